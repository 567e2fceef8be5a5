package redisstore

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

//go:embed apply.lua
var applySource string

var applyScript = newScript(applySource)

// maxProgram bounds the bytes of one program.
const maxProgram = 64 << 20

// maxArgs is how many arguments one command of a program gets; Lua cannot unpack many more.
const maxArgs = 120

// why names what a check is about, for the one who must react when it fails.
type why string

const (
	whyMark     why = "mark"
	whyLane     why = "lane"
	whyHead     why = "head"
	whySegment  why = "segment"
	whyIncident why = "incident"
	whyFarm     why = "farm"
	whyServer   why = "server"
	whyBoard    why = "board"
	whyRoom     why = "room"
	whySeen     why = "seen"
	whyLease    why = "lease"
	whyCursor   why = "cursor"
	whyRunning  why = "running"
)

// program is one write: what must be true, and what is done then. It is applied whole or not at all.
type program struct {
	keys   []string
	place  map[string]int
	whys   []why
	checks []any
	drops  []any
	ops    []any
	groups map[group]int // into merged
	merged []merged
	bytes  int
}

type group struct{ cmd, key string }

// merged are the arguments that go into as few commands as possible.
type merged struct {
	group
	args []string
}

func newProgram() *program {
	return &program{place: map[string]int{}, groups: map[group]int{}}
}

// key gives the place of a key in KEYS.
func (p *program) key(k string) string {
	n, ok := p.place[k]
	if !ok {
		p.keys = append(p.keys, k)
		n = len(p.keys)
		p.place[k] = n
	}
	return strconv.Itoa(n)
}

// is checks that the field of a hash has a value; "" stands for none.
func (p *program) is(w why, key, field, want string) { p.check(w, "is", key, field, want) }

func (p *program) check(w why, kind, key, field, want string) {
	p.whys = append(p.whys, w)
	p.checks = append(p.checks, kind, p.key(key), field, want)
}

// op adds an operation or a plain command, to be run in this order after all that was merged.
func (p *program) op(name, key string, args ...string) { p.ops = p.add(p.ops, name, key, args) }

// drop removes members from a zset; with its last one it loses its entry in another. Drops come first of all.
func (p *program) drop(key, registry, entry string, members ...string) {
	p.drops = p.add(p.drops, "drop", key, append([]string{p.key(registry), entry}, members...))
}

func (p *program) add(ops []any, name, key string, args []string) []any {
	ops = append(ops, name, p.key(key), strconv.Itoa(len(args)))
	for _, a := range args {
		ops = append(ops, a)
		p.bytes += len(a)
	}
	return ops
}

// merge collects arguments of a command on one key.
func (p *program) merge(cmd, key string, args ...string) {
	g := group{cmd, key}
	i, ok := p.groups[g]
	if !ok {
		i = len(p.merged)
		p.groups[g] = i
		p.merged = append(p.merged, merged{group: g})
	}
	p.merged[i].args = append(p.merged[i].args, args...)
}

// seal turns what was merged into operations. Everything merged so far is done before everything in ops.
func (p *program) seal() {
	late := p.ops
	p.ops = p.drops
	for _, m := range p.merged {
		for len(m.args) > 0 {
			n := min(len(m.args), maxArgs)
			p.ops = p.add(p.ops, m.cmd, m.key, m.args[:n])
			m.args = m.args[n:]
		}
	}
	p.ops = append(p.ops, late...)
	p.drops, p.merged, p.groups = nil, nil, map[group]int{}
}

// with is the sealed program with more checks and operations behind it; the program itself stays as it is.
func (p *program) with(more func(*program)) *program {
	q := *p
	q.keys, q.whys = slices.Clip(p.keys), slices.Clip(p.whys)
	q.checks, q.ops = slices.Clip(p.checks), slices.Clip(p.ops)
	q.place = maps.Clone(p.place)
	more(&q)
	return &q
}

// verdict is what became of a program.
type verdict struct {
	ok  bool
	seq int64
	no  why    // which check failed
	got string // and what was there
}

// apply runs the program. Sending it again after a lost reply must be harmless: its own first check has to see that.
func (s *Store) apply(ctx context.Context, op string, p *program) (verdict, error) {
	if p.bytes > maxProgram {
		return verdict{}, fmt.Errorf("%s: %d bytes: %w", op, p.bytes, ErrTooBig)
	}
	argv := make([]any, 0, 1+len(p.checks)+len(p.ops))
	argv = append(append(append(argv, strconv.Itoa(len(p.whys))), p.checks...), p.ops...)
	reply, err := call(ctx, s, op, func(ctx context.Context, try int) ([]string, error) {
		return s.script(ctx, try, applyScript, p.keys, argv...).StringSlice()
	})
	if err != nil {
		return verdict{}, err
	}
	switch {
	case len(reply) == 2 && reply[0] == "ok":
		seq, err := strconv.ParseInt(reply[1], 10, 64)
		return verdict{ok: true, seq: seq}, err
	case len(reply) == 3 && reply[0] == "no":
		n, err := strconv.Atoi(reply[1])
		if err == nil && n >= 1 && n <= len(p.whys) {
			return verdict{no: p.whys[n-1], got: reply[2]}, nil
		}
	}
	return verdict{}, fmt.Errorf("%s: the store answered %q", op, reply)
}

package playbook

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/allclear-bot/allclear/state"
)

// cell is one key of a draft: a value with a remark, or what a person must find out.
type cell struct {
	value, remark string
	ask           string
}

// errOpen stands for what is asked.
var errOpen = errors.New("left to a person")

func given(v, remark string) cell           { return cell{value: v, remark: remark} }
func asked(format string, args ...any) cell { return cell{ask: fmt.Sprintf(format, args...)} }
func (c cell) version() (state.Version, error) {
	if c.ask != "" {
		return state.Version{}, errOpen
	}
	return state.ParseVersion(c.value)
}

// draftBranch is a branch as far as a record tells it.
type draftBranch struct {
	from, below, fixed cell
	partial            []string // lines of other CVEs, which are passed
}

const (
	askFrom  = "where this branch begins (included); the record says %s"
	askBelow = "where the next branch begins (not included); the record does not say"
)

// openBranch is one of which the record says only this.
func openBranch(says string) draftBranch {
	return draftBranch{from: asked(askFrom, says), below: asked(askBelow), fixed: asked("the first fixed build, or none; the record says %s", says)}
}

// branch reads a range that is affected.
//
// What vendors write, and what is made of it: "16.0.0, lessThan 16.0.5513.1001" is a
// line. "14.1, lessThan 43.56" with the type "patch" is the line 14.1-43.56 of the
// branch 14.1. A line without its first numbers, a "lessThan: publication", a
// "lessThanOrEqual", a wildcard, a commit or letters in a number name no line: a
// person is asked, with the reason and, where there is one, the likely answer.
func (v versionRange) branch() draftBranch {
	b := draftBranch{from: v.begin(), below: asked(askBelow), fixed: v.line()}
	base, err := state.ParseVersion(v.Version)
	if v.Type == "patch" && err == nil && b.fixed.ask == "" {
		b.below = given(following(base, "-"), "")
	}
	return b.settled()
}

// settled asks about what cannot be: a build that is none, a range that ends before
// it begins, a line outside of its branch.
func (b draftBranch) settled() draftBranch {
	for _, c := range []*cell{&b.from, &b.below, &b.fixed} {
		if _, err := c.version(); c.ask == "" && err != nil {
			*c = asked("a build; the record comes to %s", err)
		}
	}
	from, noFrom := b.from.version()
	below, noBelow := b.below.version()
	fixed, noFixed := b.fixed.version()
	if noFrom == nil && noFixed == nil && fixed.Compare(from) < 0 {
		b.fixed = asked("the first fixed build; the record says less than %s, which is before %s, where the range begins", b.fixed.value, b.from.value)
		noFixed = errOpen
	}
	if noBelow == nil && (noFrom == nil && from.Compare(below) >= 0 || noFixed == nil && fixed.Compare(below) >= 0) {
		b.below = asked(askBelow)
	}
	return b
}

// begin reads where a range begins.
func (v versionRange) begin() cell {
	if _, err := state.ParseVersion(v.Version); err != nil {
		return asked(askFrom, quoted(v.Version))
	}
	return given(v.Version, "")
}

// line reads the first fixed build of a range that is affected.
func (v versionRange) line() cell {
	upTo, including := v.LessThan, false
	if upTo == "" {
		upTo, including = v.LessThanOrEqual, true
	}
	line, err := state.ParseVersion(upTo)
	switch {
	case v.Type == "git":
		return asked("the first fixed build; the record counts in commits (%s)", quoted(upTo))
	case upTo == "":
		return asked("the first fixed build; the record names %s alone as affected, and no fix", quoted(v.Version))
	case strings.EqualFold(upTo, "publication"):
		return asked(`the first fixed build; the record says "less than publication", which names none: see the vendor's advisory`)
	case strings.Contains(upTo, "*"):
		return asked("the first fixed build, or none; the record says that all of %s is affected", quoted(upTo))
	case err != nil:
		return asked("the first fixed build in numbers; %s has other characters, and builds are compared as numbers", quoted(upTo))
	case including:
		return asked("the first fixed build; the record says that %s is still affected, and not what comes after it (%s, if that was published)", upTo, following(line, "."))
	}
	for _, c := range v.Changes {
		if c.At != upTo {
			return asked("the first fixed build; the record says less than %s, and that %s is %s", quoted(upTo), quoted(c.At), quoted(c.Status))
		}
	}
	return v.whole(line)
}

// edition is a branch whose name has a word behind its numbers ("13.1-FIPS").
var edition = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)+)-[A-Za-z]+$`)

// whole makes a line whole, if the record leaves out the first numbers of its branch.
func (v versionRange) whole(line state.Version) cell {
	base, err := state.ParseVersion(v.Version)
	m := edition.FindStringSubmatch(v.Version)
	switch {
	case m != nil:
		return asked("the first fixed build; the record says %s of %s, which is probably %s-%s", v.LessThan, v.Version, m[1], v.LessThan)
	case v.Type == "patch" && err == nil && !line.HasPrefix(base):
		return given(v.Version+"-"+v.LessThan, fmt.Sprintf("the record says %s of %s", v.LessThan, v.Version))
	case err != nil, first(base) == first(line):
		remark := ""
		if line.String() != v.LessThan && !strings.Contains(v.LessThan, "-") {
			remark = "the record writes " + v.LessThan
		}
		return given(plain(v.LessThan, line), remark)
	case line.Len() < base.Len():
		return asked("the first fixed build, whole; the record says %s from %s on: its first numbers are missing, it is probably %s.%s", v.LessThan, v.Version, base.Prefix(2), v.LessThan)
	}
	return asked("the first fixed build, whole; the record says %s from %s on, and not whether %s is a build of its own or one of the branch %s (%s-%s)",
		v.LessThan, v.Version, v.LessThan, v.Version, v.Version, v.LessThan)
}

// plain is a line as its vendor writes it, but for leading zeros.
func plain(written string, v state.Version) string {
	if strings.Contains(written, "-") {
		return written
	}
	return v.String()
}

// unaffectedLine reads a line from a range that is not affected, of a product that
// is affected otherwise: "6.1.2 to 6.1.*" is the line 6.1.2 of the branch 6.1.
func (v versionRange) unaffectedLine() draftBranch {
	b := draftBranch{from: asked(askFrom, "that all is affected but what it lists"), below: asked(askBelow)}
	line, err := state.ParseVersion(v.Version)
	if err != nil {
		b.fixed = asked("the first fixed build in numbers; the record says that %s is not affected", quoted(v.Version))
		return b
	}
	b.fixed = given(plain(v.Version, line), "the record says that it is not affected, and all else is")
	upTo := v.LessThan + v.LessThanOrEqual
	if branch, ok := strings.CutSuffix(upTo, ".*"); ok {
		if base, err := state.ParseVersion(branch); err == nil {
			b.from, b.below = given(branch, ""), given(following(base, "."), "")
		}
	}
	return b.settled()
}

func first(v state.Version) string {
	head, _, _ := strings.Cut(v.String(), ".")
	return head
}

// following is the version with its last number one higher; sep stands before numbers
// beyond the second.
func following(v state.Version, sep string) string {
	parts := strings.Split(v.String(), ".")
	n, err := strconv.Atoi(parts[len(parts)-1])
	if err != nil {
		return v.String()
	}
	parts[len(parts)-1] = strconv.Itoa(n + 1)
	if len(parts) > 2 && sep == "-" {
		return strings.Join(parts[:2], ".") + "-" + strings.Join(parts[2:], ".")
	}
	return strings.Join(parts, ".")
}

func quoted(s string) string {
	if s == "" {
		return "nothing"
	}
	return fmt.Sprintf("%.60q", s)
}

// end is where a branch ends, as far as that is known: at least behind its line.
func (b draftBranch) end() (state.Version, error) {
	if b.below.ask == "" {
		return b.below.version()
	}
	return b.fixed.version()
}

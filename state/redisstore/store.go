package redisstore

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/allclear-bot/allclear/state"
)

// Schema is the version of the layout of keys that this package writes.
const Schema = 3

// Options of a store. The zero value works.
type Options struct {
	// Prefix begins every key, so that several stores can share one Redis. Empty is "allclear:". It has no braces.
	Prefix string
	// Writer names this process in the audit lanes. A process that starts again under its old name continues its old lane.
	// Empty is a random name; the embedded store's is always the same, because one process owns it.
	Writer string
	// Lanes is how many changes may be on their way to the store at once; each has an audit lane. 0 is 1.
	Lanes int
	// LaneLease is for how long a lane stays with a writer that is silent. 0 is 10 minutes.
	LaneLease time.Duration
	// Timeout bounds one exchange with the store. 0 is 5 seconds.
	Timeout time.Duration
	// Strict makes each change wait until a replica of the Redis has it; without one, nothing is changed for certain.
	Strict bool
	// MaxInbox is how many requests may wait. 0 is 10,000.
	MaxInbox int
	// Now is the clock of the audit lanes' leases; nothing else has a clock. Nil is time.Now.
	Now func() time.Time
	// Logger is told of lanes and repaired connections, never of keys or values. Nil discards.
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Prefix == "" {
		o.Prefix = "allclear:"
	}
	if o.Writer == "" {
		host, _ := os.Hostname()
		o.Writer = fmt.Sprintf("%s-%d-%s", host, os.Getpid(), rand.Text()[:8])
	}
	if o.Lanes <= 0 {
		o.Lanes = 1
	}
	if o.LaneLease <= 0 {
		o.LaneLease = 10 * time.Minute
	}
	if o.Timeout <= 0 {
		o.Timeout = 5 * time.Second
	}
	if o.MaxInbox <= 0 {
		o.MaxInbox = 10_000
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Store keeps everything that allclear must not forget. Its methods may be called from any goroutine; each returns when
// its context ends. Their errors are those of package state (ErrNotFound, ErrConflict, ErrUnavailable, ErrNewer), the
// context's, and the ones declared here. After ErrUnavailable or the end of the context a change is in doubt: try it
// again with the same request and step.
type Store struct {
	c     redis.UniversalClient
	o     Options
	k     keys
	lanes chan *lane
	locks locks

	mu    sync.Mutex
	cache map[string]state.Incident
}

// New makes a store over a client, which stays the caller's to close. It does not talk to it: Init does.
func New(client redis.UniversalClient, o Options) *Store {
	o = o.withDefaults()
	s := &Store{c: client, o: o, k: keys{prefix: o.Prefix}, cache: map[string]state.Incident{}, lanes: make(chan *lane, o.Lanes)}
	for i := range o.Lanes {
		s.lanes <- &lane{writer: o.Writer + "/" + strconv.Itoa(i)}
	}
	s.locks.init()
	return s
}

// importing stands in the place of the schema while an import is under way.
const importing = "importing"

// Init prepares an empty store, or checks that this program may use the one it finds.
func (s *Store) Init(ctx context.Context) error {
	if strings.ContainsAny(s.o.Prefix, "{}") {
		return fmt.Errorf("the prefix %q of the store's keys has a brace in it", s.o.Prefix)
	}
	schema, err := call(ctx, s, "open the store", func(ctx context.Context, _ int) (string, error) {
		p := s.c.TxPipeline()
		p.HSetNX(ctx, s.k.meta(), "instance", strings.ToLower(rand.Text()))
		p.HSetNX(ctx, s.k.meta(), "created", s.o.Now().UTC().Format(time.RFC3339))
		p.HSetNX(ctx, s.k.meta(), "schema", Schema)
		got := p.HGet(ctx, s.k.meta(), "schema")
		err := execute(ctx, p)
		return got.Val(), err
	})
	if err != nil {
		return err
	}
	return checkSchema(schema)
}

func checkSchema(schema string) error {
	n, err := strconv.Atoi(schema)
	switch {
	case schema == importing:
		return fmt.Errorf("an import into this store was interrupted: import again, with force")
	case err != nil:
		return fmt.Errorf("the store says that its schema is %.20q", schema)
	case n > Schema:
		return fmt.Errorf("the store has schema %d, this program knows %d: %w", n, Schema, state.ErrNewer)
	case n < Schema:
		return fmt.Errorf("the store has schema %d, this program wants %d: it was made before the first release, and there is no way over; begin a new one", n, Schema)
	}
	return nil
}

// Instance is the identity of the store's contents, kept across export and import.
func (s *Store) Instance(ctx context.Context) (string, error) {
	return call(ctx, s, "read the store's identity", func(ctx context.Context, _ int) (string, error) {
		return s.c.HGet(ctx, s.k.meta(), "instance").Result()
	})
}

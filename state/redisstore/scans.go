package redisstore

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/allclear-bot/allclear/state"
)

//go:embed scan.lua
var scanSource string

var scanScript = newScript(scanSource)

// keptScans is how many scans of an incident are remembered.
const keptScans = 200

// maxScan bounds the record of a scan.
const maxScan = 4 << 20

// BeginScan makes a scan the one that runs for its selection of servers, from its start for the time to live. If another
// one runs, it returns that and false, and nothing is written. Beginning the same scan again is no error.
func (s *Store) BeginScan(ctx context.Context, scan state.Scan, ttl time.Duration) (running state.Scan, begun bool, err error) {
	id, err := s.writeScan(ctx, "begin", scan, ttl)
	if err != nil {
		return state.Scan{}, false, err
	}
	if id == scan.ID {
		return scan, true, nil
	}
	running, err = s.Scan(ctx, scan.Incident, id)
	return running, false, err
}

// SaveScan writes a scan as it is now.
func (s *Store) SaveScan(ctx context.Context, scan state.Scan) error {
	_, err := s.writeScan(ctx, "save", scan, 0)
	return err
}

// EndScan writes a scan for the last time and makes room for the next one of its selection. If that one has begun
// already, because the time to live was over, it goes on.
func (s *Store) EndScan(ctx context.Context, scan state.Scan) error {
	_, err := s.writeScan(ctx, "end", scan, 0)
	return err
}

// writeScan returns the id of the scan that holds the selection.
func (s *Store) writeScan(ctx context.Context, verb string, scan state.Scan, ttl time.Duration) (string, error) {
	if scan.ID == "" || strings.Contains(scan.ID, " ") || scan.Incident == "" {
		return "", errors.New("a scan needs an incident, and an id without spaces")
	}
	doc, err := json.Marshal(scan)
	if err != nil {
		return "", fmt.Errorf("write scan %q: %w", scan.ID, err)
	}
	if len(doc) > maxScan {
		return "", fmt.Errorf("the record of scan %q has %d bytes: %w", scan.ID, len(doc), ErrTooBig)
	}
	from, until := millis(scan.Started), millis(scan.Started.Add(ttl))
	return s.runScan(ctx, scan.Incident, verb, scan.ID, string(doc), scan.Selection, from, until)
}

func (s *Store) runScan(ctx context.Context, incident, verb, id string, args ...any) (string, error) {
	keys := []string{s.k.scans(incident), s.k.scanOrder(incident), s.k.scanRuns(incident), s.k.heads(), s.k.scanEnds(incident)}
	args = append(append([]any{verb, id}, args...), keptScans, incident)
	holder, err := call(ctx, s, verb+" a scan", func(ctx context.Context, try int) (string, error) {
		return s.script(ctx, try, scanScript, keys, args...).Text()
	})
	if missing(err) {
		return "", fmt.Errorf("incident %q: %w", incident, state.ErrNotFound)
	}
	return holder, err
}

// AskEnd leaves word for whoever runs a scan, or takes it over, that somebody wants it to end. ok is false when it has
// ended, or is not known. Who asks first is remembered.
func (s *Store) AskEnd(ctx context.Context, incident, id string, by state.PersonID) (ok bool, err error) {
	got, err := s.runScan(ctx, incident, "ask", id, string(by), "", "0", "0")
	return got == id, err
}

// EndAsked tells who wants a scan to end; ok is false when nobody does.
func (s *Store) EndAsked(ctx context.Context, incident, id string) (by state.PersonID, ok bool, err error) {
	who, err := call(ctx, s, "read the scan", func(ctx context.Context, _ int) (string, error) {
		return s.c.HGet(ctx, s.k.scanEnds(incident), id).Result()
	})
	if missing(err) {
		return "", false, nil
	}
	return state.PersonID(who), err == nil, err
}

// Scan returns a scan.
func (s *Store) Scan(ctx context.Context, incident, id string) (state.Scan, error) {
	doc, err := call(ctx, s, "read the scan", func(ctx context.Context, _ int) (string, error) {
		return s.c.HGet(ctx, s.k.scans(incident), id).Result()
	})
	if err != nil {
		return state.Scan{}, fmt.Errorf("scan %q: %w", id, err)
	}
	return decode[state.Scan](doc, "scan", id)
}

// LastScans returns the newest scans of an incident, the newest first.
func (s *Store) LastScans(ctx context.Context, incident string, limit int) ([]state.Scan, error) {
	ids, err := call(ctx, s, "list scans", func(ctx context.Context, _ int) ([]string, error) {
		return s.c.ZRevRange(ctx, s.k.scanOrder(incident), 0, int64(max(limit, 1)-1)).Result()
	})
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	docs, err := call(ctx, s, "list scans", func(ctx context.Context, _ int) ([]any, error) {
		return s.c.HMGet(ctx, s.k.scans(incident), ids...).Result()
	})
	if err != nil {
		return nil, err
	}
	return decodeAll[state.Scan](docs)
}

// missing reports that something is not there, which some readers do not mind.
func missing(err error) bool { return errors.Is(err, state.ErrNotFound) || errors.Is(err, redis.Nil) }

package redisstore

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/allclear-bot/allclear/state"
)

//go:embed scan.lua
var scanSource string

var scanScript = redis.NewScript(scanSource)

// ScanDoc is what is known of a scan: a small document that means nothing to the store.
type ScanDoc struct {
	ID   string
	JSON []byte
}

// keptScans is how many scans of an incident are remembered.
const keptScans = 200

// maxScanDoc bounds a scan's document.
const maxScanDoc = 1 << 20

// SaveScan writes the document of a scan, as it is now.
func (s *Store) SaveScan(ctx context.Context, incident string, d ScanDoc) error {
	_, err := s.scan(ctx, "save", incident, "", d, time.Time{}, 0)
	return err
}

// BeginScan makes a scan the one that runs for a selection of servers, unless another one does: then it returns its id
// and false. Beginning the same scan again keeps it running for longer.
func (s *Store) BeginScan(ctx context.Context, incident, selection, id string, doc []byte, now time.Time, ttl time.Duration) (running string, ok bool, err error) {
	running, err = s.scan(ctx, "begin", incident, selection, ScanDoc{ID: id, JSON: doc}, now, ttl)
	return running, err == nil && running == id, err
}

// EndScan writes the last document of a scan and makes room for the next one of its selection. ErrLeaseLost: another scan
// runs for the selection by now; the document is written all the same.
func (s *Store) EndScan(ctx context.Context, incident, selection, id string, doc []byte) error {
	running, err := s.scan(ctx, "end", incident, selection, ScanDoc{ID: id, JSON: doc}, time.Time{}, 0)
	if err == nil && running != "" && running != id {
		return fmt.Errorf("scan %q: %w", id, ErrLeaseLost)
	}
	return err
}

func (s *Store) scan(ctx context.Context, verb, incident, selection string, d ScanDoc, now time.Time, ttl time.Duration) (string, error) {
	if d.ID == "" || strings.Contains(d.ID, " ") {
		return "", errors.New("a scan needs an id without spaces")
	}
	if len(d.JSON) > maxScanDoc {
		return "", fmt.Errorf("the document of scan %q has %d bytes: %w", d.ID, len(d.JSON), ErrTooBig)
	}
	keys := []string{s.k.scans(incident), s.k.scanOrder(incident), s.k.scanRuns(incident)}
	return call(ctx, s, verb+" a scan", func(ctx context.Context, _ int) (string, error) {
		return scanScript.Run(ctx, s.c, keys, verb, d.ID, string(d.JSON), selection, millis(now), millis(now.Add(ttl)), keptScans).Text()
	})
}

// Scan returns the document of a scan.
func (s *Store) Scan(ctx context.Context, incident, id string) (ScanDoc, error) {
	doc, err := call(ctx, s, "read the scan", func(ctx context.Context, _ int) (string, error) {
		return s.c.HGet(ctx, s.k.scans(incident), id).Result()
	})
	if err != nil {
		return ScanDoc{}, fmt.Errorf("scan %q: %w", id, err)
	}
	return ScanDoc{ID: id, JSON: []byte(doc)}, nil
}

// LastScans returns the documents of the newest scans, the newest first.
func (s *Store) LastScans(ctx context.Context, incident string, limit int) ([]ScanDoc, error) {
	ids, err := call(ctx, s, "list scans", func(ctx context.Context, _ int) ([]string, error) {
		return s.c.ZRevRange(ctx, s.k.scanOrder(incident), 0, int64(max(limit, 1)-1)).Result()
	})
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	docs, err := call(ctx, s, "list scans", func(ctx context.Context, _ int) ([]any, error) {
		return s.c.HMGet(ctx, s.k.scans(incident), ids...).Result()
	})
	var out []ScanDoc
	for i, d := range docs {
		if text, ok := d.(string); ok {
			out = append(out, ScanDoc{ID: ids[i], JSON: []byte(text)})
		}
	}
	return out, err
}

// RunningScan returns the scan that holds a selection at this moment, or "".
func (s *Store) RunningScan(ctx context.Context, incident, selection string, now time.Time) (string, error) {
	text, err := call(ctx, s, "read the running scan", func(ctx context.Context, _ int) (string, error) {
		return s.c.HGet(ctx, s.k.scanRuns(incident), selection).Result()
	})
	if missing(err) {
		return "", nil
	}
	until, id, _ := strings.Cut(text, " ")
	if ms, _ := strconv.ParseInt(until, 10, 64); ms <= now.UnixMilli() {
		return "", err
	}
	return id, err
}

// missing reports that something is not there, which some readers do not mind.
func missing(err error) bool { return errors.Is(err, state.ErrNotFound) || errors.Is(err, redis.Nil) }

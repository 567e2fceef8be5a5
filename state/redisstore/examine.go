package redisstore

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// The oldest Redis whose commands and scripts are used here.
const (
	leastMajor = 6
	leastMinor = 2
)

// maxClockSkew is how far the clocks of Redis and this machine may be apart before
// somebody should look: leases are given by the clocks of the replicas.
const maxClockSkew = 2 * time.Second

// Examine looks at how the Redis is set up: whether it may throw keys away, whether
// it keeps what it acknowledged, and whether its clock is right. It changes nothing.
// What a managed Redis does not tell is a warning.
func (s *Store) Examine(ctx context.Context) []state.Finding {
	info, err := call(ctx, s, "ask the Redis about itself", func(ctx context.Context, _ int) (string, error) {
		return s.c.Info(ctx, "server", "replication", "persistence", "memory").Result()
	})
	if err != nil {
		return []state.Finding{{What: "the Redis", Wrong: "it does not answer: " + err.Error(), Do: "Check the address, the password and the network."}}
	}
	about := infoOf(info)
	return []state.Finding{
		versionOf(about), roleOf(about), evictionOf(about), persistenceOf(about), s.clockOf(ctx),
	}
}

func infoOf(text string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(text) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			out[k] = v
		}
	}
	return out
}

func versionOf(about map[string]string) state.Finding {
	v := about["redis_version"]
	f := state.Finding{What: "the version of the Redis, " + v}
	major, rest, _ := strings.Cut(v, ".")
	minor, _, _ := strings.Cut(rest, ".")
	m, err := strconv.Atoi(major)
	n, err2 := strconv.Atoi(minor)
	switch {
	case err != nil || err2 != nil:
		f.Wrong, f.Do, f.Warning = "it cannot be read", fmt.Sprintf("Use a Redis from %d.%d on, or a Valkey.", leastMajor, leastMinor), true
	case m < leastMajor || m == leastMajor && n < leastMinor:
		f.Wrong, f.Do = "it is too old", fmt.Sprintf("Use %d.%d or newer.", leastMajor, leastMinor)
	}
	return f
}

func roleOf(about map[string]string) state.Finding {
	f := state.Finding{What: "the role of the Redis"}
	if role := about["role"]; role != "" && role != "master" {
		f.Wrong, f.Do = "it is a replica, and takes no writes", "Use the address of the primary."
	}
	return f
}

// evictionOf must be "noeviction": any other policy may throw a server's record
// away when memory is short, and a server that is gone looks like one that is done.
func evictionOf(about map[string]string) state.Finding {
	f := state.Finding{What: "the eviction policy"}
	switch policy := about["maxmemory_policy"]; {
	case policy == "":
		f.Wrong, f.Do, f.Warning = "the Redis does not tell it", "Make sure that it is noeviction.", true
	case policy != "noeviction":
		f.Wrong = fmt.Sprintf("it is %s: when memory is short, records are thrown away", policy)
		f.Do = "Set maxmemory-policy to noeviction."
	}
	return f
}

func persistenceOf(about map[string]string) state.Finding {
	f := state.Finding{What: "the append-only file"}
	switch {
	case about["aof_enabled"] == "":
		f.Wrong, f.Do, f.Warning = "the Redis does not tell whether it has one", "Make sure that appendonly is yes.", true
	case about["aof_enabled"] != "1":
		f.Wrong = "there is none: what was acknowledged since the last snapshot is lost when the Redis dies"
		f.Do = "Set appendonly to yes."
	case about["aof_last_write_status"] != "" && about["aof_last_write_status"] != "ok":
		f.Wrong, f.Do = "its last write failed", "Look at the disk of the Redis."
	}
	return f
}

func (s *Store) clockOf(ctx context.Context) state.Finding {
	f := state.Finding{What: "the clock of the Redis"}
	before := time.Now()
	there, err := call(ctx, s, "ask the Redis for the time", func(ctx context.Context, _ int) (time.Time, error) { return s.c.Time(ctx).Result() })
	if err != nil {
		f.Wrong, f.Do, f.Warning = "it cannot be read: "+err.Error(), "Make sure that the machines keep time.", true
		return f
	}
	here := before.Add(time.Since(before) / 2)
	if d := there.Sub(here).Abs(); d > maxClockSkew {
		f.Wrong, f.Do, f.Warning = fmt.Sprintf("it differs from this machine's by %s", d.Round(time.Millisecond)), "Let both machines keep time (NTP).", true
	}
	return f
}

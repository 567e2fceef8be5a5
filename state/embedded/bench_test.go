package embedded

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

func BenchmarkSetOneWriter(b *testing.B) {
	ctx := context.Background()
	_, c := opened(b, b.TempDir(), Options{})
	for b.Loop() {
		if err := c.Set(ctx, "k", "v", 0).Err(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
}

func BenchmarkScriptOneWriter(b *testing.B) { benchScript(b, 0) }

func BenchmarkScriptSixteenWriters(b *testing.B) { benchScript(b, 8) }

func benchScript(b *testing.B, perCPU int) {
	ctx := context.Background()
	_, c := opened(b, b.TempDir(), Options{})
	script := redis.NewScript(writeScript)
	require.NoError(b, script.Load(ctx, c).Err())
	var n atomic.Int64
	write := func() {
		i := n.Add(1)
		if err := script.Run(ctx, c, writeKeys(), "id"+strconv.FormatInt(i, 10), i).Err(); err != nil {
			b.Error(err)
		}
	}
	b.ResetTimer()
	if perCPU == 0 {
		for range b.N {
			write()
		}
	} else {
		b.SetParallelism(perCPU)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				write()
			}
		})
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
}

// BenchmarkReadBesideWriters shows what it costs that reads wait for the writes before them.
func BenchmarkReadBesideWriters(b *testing.B) {
	for _, writers := range []int{0, 1, 8} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			_, c := opened(b, b.TempDir(), Options{})
			require.NoError(b, c.Set(ctx, "k", "v", 0).Err())
			for range writers {
				go func() {
					for ctx.Err() == nil {
						_ = c.Incr(ctx, "n").Err()
					}
				}()
			}
			for b.Loop() {
				if err := c.Get(ctx, "k").Err(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkReplay(b *testing.B) {
	ctx, dir := context.Background(), b.TempDir()
	e, c := opened(b, dir, Options{CompactBytes: 1 << 40})
	const records = 20_000
	for from := 0; from < records; from += 1000 {
		_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i := range 1000 {
				p.Eval(ctx, writeScript, writeKeys(), "id"+strconv.Itoa(from+i), i)
			}
			return nil
		})
		require.NoError(b, err)
	}
	require.NoError(b, e.Close())
	b.ResetTimer()
	var r Recovery
	for range b.N {
		e, err := Open(dir, Options{CompactBytes: 1 << 40})
		require.NoError(b, err)
		r = e.Recovery()
		require.NoError(b, e.Close())
	}
	b.ReportMetric(float64(r.Commands), "commands")
	b.ReportMetric(float64(r.Commands)*float64(b.N)/b.Elapsed().Seconds(), "commands/s")
}

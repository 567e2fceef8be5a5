package commands

import (
	"context"
	"fmt"
	"sync"

	"github.com/allclear-bot/allclear/state"
)

// Sizes of a walk over all farms.
const (
	walkPage    = 256 // farms that are asked for by name at once
	walkReaders = 8   // farms that are read at the same time
)

// farmReader finds and reads farms.
type farmReader interface {
	AllFarms(ctx context.Context, incident, after string, limit int) ([]string, error)
	Farm(ctx context.Context, incident, farm string) (state.FarmState, error)
}

// eachFarm calls do with every farm of an incident, in the order of the store.
func eachFarm(ctx context.Context, r farmReader, incident string, do func(state.FarmState) error) error {
	after := ""
	for {
		names, err := r.AllFarms(ctx, incident, after, walkPage)
		if err != nil {
			return fmt.Errorf("list farms of %s: %w", incident, err)
		}
		if len(names) == 0 {
			return nil
		}
		if err := readFarms(ctx, r, incident, names, do); err != nil {
			return err
		}
		after = names[len(names)-1]
	}
}

// readFarms reads some farms at once and calls do in their order.
func readFarms(ctx context.Context, r farmReader, incident string, names []string, do func(state.FarmState) error) error {
	farms, errs := make([]state.FarmState, len(names)), make([]error, len(names))
	var wg sync.WaitGroup
	for k := range min(walkReaders, len(names)) {
		wg.Go(func() {
			for i := k; i < len(names); i += walkReaders {
				farms[i], errs[i] = r.Farm(ctx, incident, names[i])
			}
		})
	}
	wg.Wait()
	for i, f := range farms {
		if errs[i] != nil {
			return fmt.Errorf("read farm %q: %w", names[i], errs[i])
		}
		if err := do(f); err != nil {
			return err
		}
	}
	return nil
}

// allServers lists the inventory, with those that are retired.
func allServers(ctx context.Context, r farmReader, incident string) ([]state.Server, error) {
	var out []state.Server
	err := eachFarm(ctx, r, incident, func(f state.FarmState) error {
		out = append(out, f.Farm.Servers...)
		return nil
	})
	return out, err
}

package slack

import (
	"context"
	"sync"
	"time"
)

// How much is done at the same time, and for how long. Slack wants its answer
// within three seconds: the first look at a channel and the desk have less.
const (
	mostAtOnce  = 256 // deliveries that are handled; what comes on top is turned away
	handleTime  = 2500 * time.Millisecond
	mostBehind  = 128 // things to do that an acknowledgement does not wait for
	behindHands = 8
	behindTime  = 10 * time.Second
	lastWords   = 3 * time.Second // for what is still to be said when Run ends
)

// intake is what is done with deliveries while Run runs.
type intake struct {
	behind  chan func(context.Context)
	fatal   chan error // why Run must end
	homes   *recent[string]
	forms   *recent[string] // presses for which a form was opened
	replays replays
}

func newIntake() *intake {
	return &intake{
		behind: make(chan func(context.Context), mostBehind), fatal: make(chan error, 1),
		homes: newRecent[string](10_000), forms: newRecent[string](10_000), replays: newReplays(),
	}
}

// work does what is to be done behind acknowledgements. The function that it returns
// is called when nothing more can come, and waits until all is done.
func (i *intake) work(ctx context.Context) (finish func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := make(chan struct{})
	var hands sync.WaitGroup
	for range behindHands {
		hands.Go(func() {
			for {
				select {
				case job := <-i.behind:
					job(ctx)
				case <-stop:
					select {
					case job := <-i.behind:
						job(ctx)
					default:
						return
					}
				}
			}
		})
	}
	return func() {
		close(stop)
		late := time.AfterFunc(lastWords, cancel)
		hands.Wait()
		late.Stop()
		cancel()
	}
}

// later does something behind the acknowledgement. It is false when too much waits.
func (i *intake) later(job func(context.Context)) bool {
	select {
	case i.behind <- job:
		return true
	default:
		return false
	}
}

package slack

import (
	"context"
	"sync"
	"time"

	"github.com/allclear-bot/allclear/bot"
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

// intake is what takes deliveries to the desk while Run runs.
type intake struct {
	mu     sync.Mutex
	desk   bot.Desk // nil: nobody is there
	inside sync.WaitGroup
	slots  chan struct{}

	behind  chan func(context.Context)
	fatal   chan error // why Run must end
	homes   *recent[string]
	forms   *recent[string] // presses for which a form was opened
	replays replays
}

func newIntake() *intake {
	return &intake{
		slots: make(chan struct{}, mostAtOnce), behind: make(chan func(context.Context), mostBehind), fatal: make(chan error, 1),
		homes: newRecent[string](10_000), forms: newRecent[string](10_000), replays: newReplays(),
	}
}

// open lets deliveries in.
func (i *intake) open(desk bot.Desk) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.desk = desk
}

// shut lets nothing in any more, and waits for what is inside.
func (i *intake) shut() {
	i.mu.Lock()
	i.desk = nil
	i.mu.Unlock()
	i.inside.Wait()
}

// enter is the desk for one delivery, nil when nobody is there. Who was given one
// must leave.
func (i *intake) enter() bot.Desk {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.desk != nil {
		i.inside.Add(1)
	}
	return i.desk
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

package discord

import (
	"sync"
	"time"

	"github.com/allclear-bot/allclear/bot"
)

// How much is done at the same time, and for how long. Discord wants its answer within
// three seconds.
const (
	mostAtOnce = 256 // interactions that are handled; what comes on top is turned away
	handleTime = 2500 * time.Millisecond
	// errandTime bounds what nobody waits for.
	errandTime = 10 * time.Second
)

// intake is what takes interactions to the desk while Run runs.
type intake struct {
	mu     sync.Mutex
	desk   bot.Desk // nil: nobody is there
	inside sync.WaitGroup
	slots  chan struct{}
}

func newIntake() *intake { return &intake{slots: make(chan struct{}, mostAtOnce)} }

// start lets interactions in.
func (i *intake) start(desk bot.Desk) {
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

func (i *intake) open() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.desk != nil
}

// enter is the desk for one interaction, nil when nobody is there. Who was given one
// must leave.
func (i *intake) enter() bot.Desk {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.desk != nil {
		i.inside.Add(1)
	}
	return i.desk
}

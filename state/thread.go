package state

import (
	"fmt"
	"slices"
)

// MaxThreads is how many servers have a thread each. When there are more, the
// threads are of owner groups: nobody reads a channel of a thousand threads.
const MaxThreads = 60

// count notes that a server was put in.
func (tx *Tx) count() {
	if tx.Incident.ByGroup {
		return
	}
	tx.Incident.Servers++
	tx.Incident.ByGroup = tx.Incident.Servers > MaxThreads
	tx.incident = true
}

// ThreadOf is the card at the head of the thread that tells of a server.
func (i Incident) ThreadOf(server, group string) string {
	if i.ByGroup {
		return "thread " + i.ID + " group " + group
	}
	return "thread " + i.ID + " server " + server
}

func (tx *Tx) threadOf(t Transition) string { return tx.Incident.ThreadOf(t.Server, t.Group) }

// head makes sure that the thread of a server has a head. The head is a card: it
// is posted once, and says afterwards how things are now.
func (tx *Tx) head(t Transition) {
	n := Notice{
		Kind: NoticeThread, Incident: tx.Incident.ID, At: tx.Work.At, Card: tx.threadOf(t), Coalesce: tx.threadOf(t), Group: t.Group,
		Key: fmt.Sprintf("%s %s %s", tx.threadOf(t), tx.Work.Request, tx.Work.Step),
	}
	if !tx.Incident.ByGroup {
		n.Servers = []string{t.Server}
	}
	if !slices.ContainsFunc(tx.notices, func(o Notice) bool { return o.Key == n.Key }) {
		tx.notices = append(tx.notices, n)
	}
}

// log tells the threads what changed, one notice a thread. What only a look from
// outside can bring about, that something is exposed or unknown, is told by the
// scan; what is told aloud is not told again.
func (tx *Tx) log(changes []Transition) {
	at := map[string]int{}
	for _, t := range changes {
		if !worthLogging(t) {
			continue
		}
		thread := tx.threadOf(t)
		i, ok := at[thread]
		if !ok {
			tx.head(t)
			i = len(tx.notices)
			at[thread] = i
			tx.notices = append(tx.notices, Notice{
				Key:  fmt.Sprintf("%s %s %s %s", NoticeChanged, thread, tx.Work.Request, tx.Work.Step),
				Kind: NoticeChanged, Incident: tx.Incident.ID, At: tx.Work.At, Group: t.Group,
				Thread: thread, Coalesce: string(NoticeChanged) + " " + thread,
			})
		}
		n := &tx.notices[i]
		if len(n.Changes) == MaxTold {
			n.More++
			continue
		}
		n.Changes = append(n.Changes, t)
	}
}

func worthLogging(t Transition) bool {
	outside := func(s Status) bool { return s == StatusUnknown || s == StatusExposed }
	_, aloud := noticeFor(t)
	return !t.New && !aloud && !(outside(t.From) && outside(t.To))
}

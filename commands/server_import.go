package commands

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// serversAtOnce is how many servers one change puts at most, so that no entry of
// the record grows too large; a farm is never divided.
const serversAtOnce = 1000

// importGrace is how long an import goes on writing when its caller has gone.
const importGrace = 20 * time.Second

// outlast is a context that ends a while after another one has ended.
func outlast(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	long, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(grace):
			cancel()
		case <-long.Done():
		}
	})
	return long, func() { stop(); cancel() }
}

// serverImport takes an inventory: all of it, or nothing.
type serverImport struct {
	store  inventoryStore
	people state.People
	now    func() time.Time
}

func (serverImport) Spec() chat.Spec {
	return chat.Spec{
		Path: "server import", Summary: "Take an inventory: CSV with a header, or one URL a line; all of it or nothing",
		Args:  []chat.Arg{{Name: "inventory", Help: "a file handed in, or the text itself in quotes", Type: chat.Upload, Rest: true}},
		Flags: []chat.Arg{{Name: "dry-run", Help: "say what it would come to, and write nothing", Type: chat.Switch}},
		Examples: []chat.Example{
			{Line: "server import https://sp-new-03.example.com https://sp-new-04.example.com", Does: "adds two servers, named after their hosts"},
			{Line: "server import --dry-run https://sp-new-05.example.com", Does: "says what that would add or change, and what is missing in it"},
		},
		Role: state.RoleLead,
	}
}

// TimeLimit gives room for a million rows.
func (serverImport) TimeLimit() time.Duration { return time.Hour }

func (c serverImport) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	data, err := handedIn(call, "inventory")
	if err != nil {
		return chat.Message{}, err
	}
	if len(call.Values.Files()) == 0 && looksLikeURLs(data) {
		data = []byte(strings.Join(strings.Fields(string(data)), "\n")) // a chat made one line of them
	}
	in, err := readInventory(data)
	if err != nil {
		return chat.Message{}, notImported(err)
	}
	if len(in.servers) == 0 {
		return chat.Message{}, &chat.Problem{What: "Nothing was imported: the inventory has no servers."}
	}
	inc, err := c.store.Incident(ctx, call.Incident)
	if err != nil {
		return chat.Message{}, err
	}
	if !inc.Closed.IsZero() {
		return chat.Message{}, &state.Refusal{Why: fmt.Sprintf("Incident %s is closed.", inc.ID), Next: "Open a new one."}
	}
	t := &taking{sheet: in, call: call}
	if err := t.compare(ctx, c.store); err != nil {
		return chat.Message{}, notImported(err)
	}
	if t.confirmed, err = confirmedOf(ctx, c.store, inc.ID, t.moved); err != nil {
		return chat.Message{}, err
	}
	if call.Values.Bool("dry-run") {
		return t.message(c.people), nil
	}
	long, done := outlast(ctx, importGrace) // half an inventory is worse than a late end
	defer done()
	if err := c.write(long, call, t); err != nil {
		return chat.Message{}, err
	}
	return t.message(c.people), nil
}

// maxWrong is how many lines of an inventory are told to be wrong at once.
const maxWrong = 40

// notImported shows what is wrong with an inventory, line by line.
func notImported(err error) error {
	var bad InventoryProblems
	if !errors.As(err, &bad) {
		return err
	}
	told := bad[:min(len(bad), maxWrong)]
	what := "Nothing was imported: the inventory is not in order.\n" + told.Error()
	if more := len(bad) - len(told); more > 0 {
		what += fmt.Sprintf("\nand %d more", more)
	}
	return &chat.Problem{What: what, Try: "Correct these lines, and hand it in again."}
}

// taking is an inventory on its way into an incident.
type taking struct {
	*sheet
	call                      chat.Call
	farms                     map[string][]state.Server // to be written, by farm
	added, changed, unchanged int
	retired, elsewhere        int // retired servers in the file; servers that are not in it

	moved     []string // servers that answer elsewhere now
	confirmed []string // those of them that are confirmed
}

// compare finds what is new, what differs, and what cannot be.
func (t *taking) compare(ctx context.Context, r farmReader) error {
	existing, err := allServers(ctx, r, t.call.Incident)
	if err != nil {
		return err
	}
	known, size, spelled := map[string]state.Server{}, map[string]int{}, map[string]string{}
	for _, s := range existing {
		if s.Retired == nil {
			t.elsewhere++
		}
		known[strings.ToLower(s.Name)] = s
		spelled[strings.ToLower(s.Farm)] = s.Farm
		size[s.Farm]++
	}
	t.farms = map[string][]state.Server{}
	for i, s := range t.servers {
		old, ok := known[strings.ToLower(s.Name)]
		if ok {
			s = t.kept(s, old)
		}
		if farm, was := spelled[strings.ToLower(s.Farm)]; was && farm != s.Farm && (!ok || old.Name == s.Name) {
			t.problems.add(t.lines[i], 0, "farm %s is spelled %s in the incident", quoteName(s.Farm), quoteName(farm))
		}
		if ok {
			t.known(i, s, old)
			continue
		}
		if size[s.Farm]++; size[s.Farm] == state.MaxFarm+1 {
			t.problems.add(t.lines[i], 0, "farm %s would have more than %d servers", quoteName(s.Farm), state.MaxFarm)
		}
		t.added++
		t.farms[s.Farm] = append(t.farms[s.Farm], s)
	}
	return t.problems.err()
}

// kept is a row with what the server has in columns that the file does not: what a file
// does not speak of it does not take away.
func (t *taking) kept(s, old state.Server) state.Server {
	lacks := func(column string) bool { return !slices.Contains(t.columns, column) }
	for column, keep := range map[string]func(){
		"url": func() { s.URL = old.URL }, "addresses": func() { s.Addresses = old.Addresses }, "via": func() { s.Via = old.Via },
		"farm": func() { s.Farm = old.Farm }, "owner": func() { s.Owner = old.Owner }, "group": func() { s.Group = old.Group },
		"exposure": func() { s.Exposure = old.Exposure },
	} {
		if lacks(column) {
			keep()
		}
	}
	if lacks("tags") {
		own := s.Tags
		s.Tags = maps.Clone(old.Tags)
		for k, v := range own {
			if s.Tags == nil {
				s.Tags = map[string]string{}
			}
			s.Tags[k] = v
		}
	}
	return s
}

// known compares a row with the server that is there.
func (t *taking) known(i int, s, old state.Server) {
	switch {
	case old.Name != s.Name:
		t.problems.add(t.lines[i], 0, "%s is %s in the incident: one server, two spellings", quoteName(s.Name), quoteName(old.Name))
	case old.Farm != s.Farm:
		t.problems.add(t.lines[i], 0, "%s is in farm %s; it cannot be in %s too", quoteName(s.Name), quoteName(old.Farm), quoteName(s.Farm))
	}
	if old.Retired != nil {
		t.retired++
	} else {
		t.elsewhere--
	}
	added := old.Added
	s.Added, s.Retired = old.Added, old.Retired
	if !sameServer(s, old) {
		t.changed++
		if answersElsewhere(s, old) && old.Retired == nil {
			t.moved = append(t.moved, s.Name)
		}
		t.farms[s.Farm] = append(t.farms[s.Farm], s)
		return
	}
	// What this very request added before it was cut off counts as added.
	if at := t.call.Request.At; !at.IsZero() && !added.Before(at) {
		t.added++
		return
	}
	t.unchanged++
}

func sameServer(a, b state.Server) bool {
	tags := maps.Equal(a.Tags, b.Tags)
	addresses := slices.Equal(a.Addresses, b.Addresses)
	a.Tags, b.Tags, a.Addresses, b.Addresses = nil, nil, nil, nil
	return tags && addresses && reflect.DeepEqual(a, b)
}

// answersElsewhere reports whether a look from outside asks something else now.
func answersElsewhere(a, b state.Server) bool {
	return a.URL != b.URL || a.Via != b.Via || !slices.Equal(a.Addresses, b.Addresses)
}

// confirmedOf are those of some servers that are confirmed.
func confirmedOf(ctx context.Context, r Reader, incident string, names []string) ([]string, error) {
	if len(names) == 0 {
		return nil, nil
	}
	asked, confirmed := map[string]bool{}, state.StatusConfirmed
	for _, n := range names {
		asked[n] = true
	}
	var out []string
	for offset := 0; ; {
		rows, total, err := r.List(ctx, incident, state.Filter{Status: &confirmed}, offset, walkPage)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if asked[row.Name] {
				out = append(out, row.Name)
			}
		}
		if offset += len(rows); len(rows) == 0 || offset >= total {
			slices.Sort(out)
			return out, nil
		}
	}
}

// movedLine says of confirmed servers that they answer elsewhere now.
func movedLine(names []string) chat.Text {
	what := "confirmed server answers"
	if len(names) > 1 {
		what = "confirmed servers answer"
	}
	t := chat.T("! ", chat.B(fmt.Sprintf("%d %s", len(names), what)), " elsewhere now. What was confirmed stays so, but nobody has looked there; verify again: ")
	return append(t, nameList(names)...)
}

// write puts the servers in batches of farms. Each batch is a step of its own, by
// its content: a request that is run again goes on where it was.
func (c serverImport) write(ctx context.Context, call chat.Call, t *taking) error {
	names := slices.Sorted(maps.Keys(t.farms))
	done, total, said := 0, 0, c.now()
	for _, n := range names {
		total += len(t.farms[n])
	}
	for len(names) > 0 {
		n, servers := 0, 0
		for n < len(names) && n < farmsAtOnce && (n == 0 || servers+len(t.farms[names[n]]) <= serversAtOnce) {
			servers += len(t.farms[names[n]])
			n++
		}
		err := divided(names[:n], func(some []string) error {
			err := c.batch(ctx, call, some, t.farms)
			for _, name := range some {
				if err == nil {
					done += len(t.farms[name])
				}
			}
			return err
		})
		if err != nil {
			return cutShort(err, done, total)
		}
		names = names[n:]
		if now := c.now(); call.Say != nil && now.Sub(said) >= progressEvery {
			said = now
			call.Say("import", chat.Say(chat.Bar(done, total, "servers imported")))
		}
	}
	return nil
}

// cutShort is why an import ended early. Nobody is told that nothing was done when some of it was.
func cutShort(err error, done, total int) error {
	var no *state.Refusal
	why := ""
	switch {
	case done == 0:
		return err
	case errors.As(err, &no):
		why = no.Why
	case errors.Is(err, state.ErrUnavailable):
		why = "The store did not answer any more."
	case errors.Is(err, state.ErrConflict):
		why = "Somebody else changed the same farms at the same moment."
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		why = "It was cut off."
	default:
		why = "It ended with: " + sentence(checks.Clean(err.Error(), 200))
	}
	return errors.Join(&chat.Problem{
		What: strings.TrimSpace(fmt.Sprintf("Not all of it was done: at least %d of %d servers were written. %s", done, total, why)),
		Try:  "Import the same file again: it goes on where it was.",
	}, err)
}

func (c serverImport) batch(ctx context.Context, call chat.Call, names []string, farms map[string][]state.Server) error {
	var content []string
	for _, n := range names {
		for _, s := range farms[n] {
			content = append(content, fmt.Sprintf("%q", []any{s.Name, s.URL, s.Addresses, s.Via, s.Farm, s.Owner, s.Group, s.Exposure, s.Tags}))
		}
	}
	_, err := c.store.Update(ctx, call.Work("import "+digestOf(content), c.now()), call.Incident, names, func(tx *state.Tx) error {
		for _, n := range names {
			for _, s := range farms[n] {
				if err := tx.PutServer(s); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return err
}

func ofOwners(n int) string {
	if n == 0 {
		return "of no owner"
	}
	return "of " + plural(n, "owner")
}

// message is what came of it, and what is missing in the inventory.
func (t *taking) message(people state.People) chat.Message {
	farms, owners := map[string]bool{}, map[string]bool{}
	var noOwner, noURL, noExposure, nobody []string
	for _, s := range t.servers {
		farms[s.Farm] = true
		if _, ok := people.ByOwner(s.Owner); !ok && s.Owner != "" && !slices.Contains(nobody, s.Owner) {
			nobody = append(nobody, s.Owner)
		}
		owners[cmp.Or(s.Owner, s.Group)] = true
		if s.Owner == "" && s.Group == "" {
			noOwner = append(noOwner, s.Name)
		}
		if s.URL == "" {
			noURL = append(noURL, s.Name)
		}
		if s.Exposure == state.ExposureUnknown {
			noExposure = append(noExposure, s.Name)
		}
	}
	delete(owners, "")
	dry := t.call.Values.Bool("dry-run")
	m := chat.Say(chat.H(fmt.Sprintf("Added %d, updated %d, unchanged %d", t.added, t.changed, t.unchanged)))
	if dry {
		m = chat.Say(chat.H(fmt.Sprintf("Nothing is written. It would add %d, update %d, leave %d as they are", t.added, t.changed, t.unchanged)))
	}
	m.Add(chat.P(fmt.Sprintf("%s in %s, %s.", plural(len(t.servers), "server"), plural(len(farms), "farm"), ofOwners(len(owners)))))
	if len(t.confirmed) > 0 {
		m.Add(chat.P(movedLine(t.confirmed)))
		m.Tone = chat.ToneWarn
	}
	list := chat.L()
	add := func(names []string, what string) {
		if len(names) > 0 {
			list.Items = append(list.Items, append(chat.T(chat.B(fmt.Sprint(len(names))), " "+what+": "), nameList(names)...))
		}
	}
	add(noOwner, "without an owner or group, so nobody is reminded")
	slices.Sort(nobody)
	add(nobody, "owners whom the configuration does not know: they are named, and nobody is mentioned")
	add(noURL, "without a URL, so nothing can be asked from outside; evidence from inside is needed")
	add(noExposure, "with no exposure told; they count as reachable from the internet")
	if t.retired > 0 {
		list.Items = append(list.Items, chat.T(fmt.Sprintf("%s of the file retired before: not taken up again", plural(t.retired, "server"))))
	}
	if t.elsewhere > 0 {
		list.Items = append(list.Items, chat.T(fmt.Sprintf("%s of the incident not in this file: kept as before", plural(t.elsewhere, "server"))))
	}
	if len(list.Items) > 0 {
		m.Add(list)
	}
	if dry {
		m.Add(chat.P(chat.B("Next: "), "the same without ", chat.C("--dry-run"), "."))
		return m
	}
	m.Add(chat.P(chat.B("Next: "), chat.C("scan"), " looks at all of them from outside."), chat.Row(press("Scan now", t.call.Incident, "scan")))
	return m
}

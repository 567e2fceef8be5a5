package main

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// incidentName is the incident of the story of ToolShell.
const incidentName = "toolshell"

// Persons of the story. They are roles, not people.
const (
	lead      = "lead-1"
	second    = "lead-2"
	responder = "responder"
	finance   = "owner-finance"
	hr        = "owner-hr"
)

// cast is who plays. Owners of other farms only own.
func cast() state.People {
	person := func(id state.PersonID, r state.Role) state.Person {
		return state.Person{ID: id, Name: string(id), Role: r, Links: []string{"console:" + string(id)}}
	}
	return state.People{
		person(lead, state.RoleLead), person(second, state.RoleLead), person(responder, state.RoleResponder),
		person(finance, state.RoleResponder), person(hr, state.RoleResponder),
	}
}

// play tells the whole response, scene by scene.
func (s *stage) play(ctx context.Context) error {
	if s.estate != nil {
		return s.playEstate(ctx)
	}
	return s.scenes(
		ctx, s.opening, s.looking, s.asking, s.wrongOrder, s.confirming, s.lineMoves, s.snapshot,
		s.disconnected, s.compromised, s.everybody, s.settling, s.clearing, s.after,
	)
}

func (s *stage) scenes(ctx context.Context, all ...func(context.Context) error) error {
	for _, scene := range all {
		if err := scene(ctx); err != nil {
			return err
		}
	}
	return nil
}

// lines has one person say several lines.
func (s *stage) linesBy(ctx context.Context, who string, lines ...string) error {
	for _, l := range lines {
		if _, err := s.say(ctx, who, l); err != nil {
			return err
		}
	}
	return nil
}

func (s *stage) opening(ctx context.Context) error {
	s.scene("The first hour")
	s.tell("20 July 2025. SharePoint servers are exploited everywhere. The updates of 8 July are believed to be the fix.")
	if err := s.linesBy(ctx, lead, `incident open `+incidentName+` --playbook toolshell@1 --title "ToolShell"`); err != nil {
		return err
	}
	return s.handInventory(ctx)
}

func (s *stage) handInventory(ctx context.Context) error {
	var inventory bytes.Buffer
	if err := s.world().WriteInventory(&inventory); err != nil {
		return err
	}
	_, err := s.say(ctx, lead, "server import", chat.File{Name: "servers.csv", Data: inventory.Bytes()})
	return err
}

func (s *stage) looking(ctx context.Context) error {
	s.scene("Looking from outside")
	if err := s.linesBy(ctx, responder, "scan", "status"); err != nil {
		return err
	}
	s.tell("A header cannot tell a fixed 2019 server from a vulnerable one. allclear says so instead of guessing:")
	if err := s.linesBy(ctx, responder, "status sp-finance-w2"); err != nil {
		return err
	}
	worst, err := s.first(ctx, state.StatusCompromised)
	if err != nil || worst == "" {
		return err
	}
	s.tell("And one where somebody has been:")
	if err := s.linesBy(ctx, responder, "status "+worst); err != nil {
		return err
	}
	return s.logs(ctx, worst)
}

// logs hands in the logs of a server's farm.
func (s *stage) logs(ctx context.Context, server string) error {
	row, err := s.app.store.Row(ctx, incidentName, server)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := s.fleet.WriteLogs(row.Farm, s.clock.Now(), &b); err != nil {
		return err
	}
	s.tell("The logs of its farm tell since when, and whom else they tried. A log clears nobody of what it does not show:")
	_, err = s.say(ctx, responder, "hunt", chat.File{Name: "logs.zip", Data: b.Bytes()})
	return err
}

// first is the most urgent server of a status, "" when there is none.
func (s *stage) first(ctx context.Context, st state.Status) (string, error) {
	rows, _, err := s.app.store.List(ctx, s.incident(), state.Filter{Status: &st}, 0, 1)
	if err != nil || len(rows) == 0 {
		return "", err
	}
	return rows[0].Name, nil
}

func (s *stage) asking(ctx context.Context) error {
	s.scene("Asking, and being told")
	if err := s.linesBy(ctx, lead, "ping --owner owner-finance --send"); err != nil {
		return err
	}
	s.tell("The owner says that it is done. A claim is noted, and proves nothing:")
	return s.linesBy(ctx, finance, "claim sp-finance-w1 patch installed over lunch", "status sp-finance-w1")
}

// fixFarm does all on a farm up to the hunt, in the right order: what comes before
// the keys. build is what every server is patched to; "" is the fix of today.
func (s *stage) fixFarm(farm, build string) error {
	members := s.fleet.Members(farm)
	to := func(n string) string {
		if build != "" {
			return build
		}
		b, err := s.fleet.Fix(n)
		if err != nil {
			return ""
		}
		return b
	}
	return s.do(
		each(members, s.fleet.Preserve),
		each(members, func(n string, at time.Time) error { return s.fleet.Patch(n, to(n), at) }),
		each(members, func(n string, at time.Time) error {
			t, err := s.fleet.Truth(n)
			if err != nil || t.Product == "spse" {
				return err
			}
			return s.fleet.PatchLanguage(n, to(n), at)
		}),
		each(members, s.fleet.PSConfig),
		func(time.Time) error { return s.amsi(farm) },
		each(members, func(n string, at time.Time) error { _, err := s.fleet.Hunt(n, at); return err }),
	)
}

// amsi switches it on in the mode that the farm's build has.
func (s *stage) amsi(farm string) error {
	for _, item := range s.fleet.Items(farm) {
		if err := errors.Join(s.fleet.SetAMSI(farm, item, "full")); err != nil {
			return err
		}
	}
	return nil
}

// newKeys rotates and deploys the keys of a farm and restarts its servers.
func (s *stage) newKeys(farm string) error {
	return s.do(
		func(at time.Time) error { return s.fleet.RotateKeys(farm, at) },
		func(at time.Time) error { return s.fleet.DeployKeys(farm, at) },
		each(s.fleet.Members(farm), s.fleet.RestartIIS),
	)
}

func (s *stage) wrongOrder(ctx context.Context) error {
	s.scene("Patched is not remediated")
	s.tell("The finance team patches three of four servers, rotates the machine keys at once, and patches the fourth later.")
	const build = "16.0.10417.20027"
	members := s.fleet.Members("finance")
	late := members[len(members)-1]
	patch := func(n string, at time.Time) error {
		return errors.Join(s.fleet.Preserve(n, at), s.fleet.Patch(n, build, at), s.fleet.PatchLanguage(n, build, at), s.fleet.PSConfig(n, at))
	}
	err := s.do(
		each(members[:len(members)-1], patch),
		func(at time.Time) error { return s.fleet.RotateKeys("finance", at) },
		func(at time.Time) error { return s.fleet.DeployKeys("finance", at) },
		each(members, s.fleet.RestartIIS),
		func(at time.Time) error { return patch(late, at) },
		func(time.Time) error { return s.amsi("finance") },
		each(members, func(n string, at time.Time) error { _, err := s.fleet.Hunt(n, at); return err }),
	)
	if err != nil {
		return err
	}
	if err := s.show(ctx, finance, "finance"); err != nil {
		return err
	}
	if err := s.linesBy(ctx, finance, "verify sp-finance-w2"); err != nil {
		return err
	}
	s.tell("Keys that were rotated before the last server was patched may have been read again. So: once more, in the right order.")
	if err := s.newKeys("finance"); err != nil {
		return err
	}
	if err := s.show(ctx, finance, "finance"); err != nil {
		return err
	}
	s.tell("One server still contradicts from outside: nobody has looked since it was patched.")
	return s.linesBy(ctx, finance, "verify sp-finance-w1")
}

func (s *stage) confirming(ctx context.Context) error {
	s.scene("Two persons")
	if err := s.linesBy(ctx, lead, "confirm --farm finance", "approve all"); err != nil {
		return err
	}
	s.tell("Nobody approves what they asked for. Nor does the owner, who claimed it:")
	return s.linesBy(ctx, second, "approve all", "status --farm finance")
}

func (s *stage) lineMoves(ctx context.Context) error {
	s.scene("The vendor moves the fix line")
	s.clock.Skip(20 * time.Hour)
	s.tell("21 July. The updates of 8 July were gone round; there are new ones. What was finished is not finished.")
	return s.revise(ctx, lead, "toolshell@2")
}

// revise looks what a revision would change, and puts exactly that in force.
func (s *stage) revise(ctx context.Context, who, playbook string) error {
	m, err := s.say(ctx, who, "playbook revise "+playbook)
	if err != nil {
		return err
	}
	for _, p := range m.Parts {
		if row, ok := p.(chat.Buttons); ok {
			return s.linesBy(ctx, who, row.Buttons[0].Line, "status")
		}
	}
	return errors.New("what a revision would change has no button to put it in force")
}

func (s *stage) snapshot(ctx context.Context) error {
	s.scene("A snapshot comes back")
	s.tell("The HR farm does everything right, and two persons confirm it.")
	for _, n := range s.fleet.Members("hr") {
		if err := s.fleet.Snapshot(n); err != nil {
			return err
		}
	}
	if err := errors.Join(s.fixFarm("hr", ""), s.newKeys("hr")); err != nil {
		return err
	}
	if err := s.show(ctx, hr, "hr"); err != nil {
		return err
	}
	if err := s.linesBy(ctx, responder, "scan --farm hr"); err != nil {
		return err
	}
	if err := s.linesBy(ctx, lead, "confirm --farm hr"); err != nil {
		return err
	}
	if err := s.linesBy(ctx, second, "approve all"); err != nil {
		return err
	}
	s.clock.Skip(6 * time.Hour)
	s.tell("At night, a virtual machine is restored from the snapshot of the morning. Nobody says so. The next scan does:")
	if err := s.fleet.Restore("sp-hr-w1", s.clock.Now()); err != nil {
		return err
	}
	return s.linesBy(ctx, responder, "scan --farm hr")
}

func (s *stage) disconnected(ctx context.Context) error {
	s.scene("A server that has no fix")
	s.tell("SharePoint 2013 gets no update. Its owner disconnects it; that contains it, and does not clear it.")
	const name = "sp-archive-w1"
	if err := s.fleet.Disconnect(name); err != nil {
		return err
	}
	if err := s.linesBy(ctx, lead, "attest "+name+" contained yes --ref CHG-2013"); err != nil {
		return err
	}
	return errors.Join(s.linesBy(ctx, second, "approve all"), s.linesBy(ctx, lead, "status "+name, "incident clear"))
}

func (s *stage) compromised(ctx context.Context) error {
	s.scene("A patch clears no compromise")
	name, err := s.first(ctx, state.StatusCompromised)
	if err != nil || name == "" {
		return err
	}
	row, err := s.app.store.Row(ctx, s.incident(), name)
	if err != nil {
		return err
	}
	s.tell("%s answered a web shell's path. Its farm %s is patched first:", name, row.Farm)
	if err := s.fixFarm(row.Farm, ""); err != nil {
		return err
	}
	if err := s.show(ctx, responder, row.Farm); err != nil {
		return err
	}
	return s.linesBy(ctx, responder, "verify "+name)
}

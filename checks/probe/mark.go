package probe

import (
	"context"
	"fmt"

	"github.com/allclear-bot/allclear/checks"
)

// mark asks for a path whose status is the sign of a build. Two names of the same
// shape that cannot exist are asked for before it: if they get that status too, it
// is the sign of nothing. Another status tells nothing either way.
func (v *view) mark(ctx context.Context, o checks.Observer) {
	others := 0
	for _, name := range v.p.before(v.t, shapeOf(o.Path)) {
		status, ok := v.status(ctx, o.Method, name)
		if !ok {
			return
		}
		if norm(status) == norm(o.Status) {
			v.remarks = append(v.remarks, fmt.Sprintf("answers %d to names beside %s that cannot exist: it tells nothing", status, o.Path))
			return
		}
		others = status
	}
	status, ok := v.status(ctx, o.Method, o.Path)
	if !ok {
		return
	}
	v.statuses = append(v.statuses, fmt.Sprintf("%s: %d", o.Path, status))
	if status != o.Status {
		return
	}
	detail := fmt.Sprintf("%s: %d, where names that cannot exist get %d", o.Path, status, others)
	r := reading{observer: o, version: o.Means, digest: digest(detail), detail: detail}
	r.judgement = v.p.judge(r)
	v.readings = append(v.readings, r)
}

// status asks one question of which only the status matters.
func (v *view) status(ctx context.Context, method, path string) (status int, ok bool) {
	a, err := v.end.Ask(ctx, method, path)
	if err != nil {
		v.failed(method, path, err)
		return 0, false
	}
	v.reached = true
	return a.Status, true
}

package playbook

import (
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// example reads an answer and the build that must come out of it, and tries. What
// an answer is depends on what the observer reads: a body, the value of a header,
// the target of a redirect, the path of a link, the seconds of a stamp.
func (r *reader) example(o *checks.Observer) reading {
	return func(n ast.Node) {
		var answer string
		var want state.Version
		before := len(r.problems)
		r.object(
			n, "an example",
			must("answer", r.text(&answer, 200)),
			must("build", r.version(&want)),
		)
		if len(r.problems) > before {
			return
		}
		if o.Reads() == checks.ExtractStatus {
			r.problem(n, "observer %q reads no build from an answer, so that an example shows nothing", o.ID)
			return
		}
		if got := extract(*o, answer); got != want {
			r.problem(n, "observer %q reads %q from this example, not %q", o.ID, got, want)
		}
	}
}

// extract is the build that an observer reads from an answer; zero if none.
func extract(o checks.Observer, answer string) state.Version {
	if o.Reads() == checks.ExtractStamp {
		seconds, err := strconv.ParseUint(answer, 10, 32)
		if err != nil {
			return state.Version{}
		}
		return o.Stamps.Build(uint32(seconds))
	}
	if o.Pattern == nil {
		return state.Version{}
	}
	m := o.Pattern.FindStringSubmatch(answer)
	if m == nil {
		return state.Version{}
	}
	v, err := state.ParseVersion(m[1])
	if err != nil {
		return state.Version{}
	}
	if v = picked(v, o.Parts); o.Precision > 0 && v.Len() != o.Precision {
		return state.Version{}
	}
	return v
}

// picked is the build that some numbers of a version make; zero when the others are not 0.
func picked(v state.Version, parts []int) state.Version {
	if parts == nil {
		return v
	}
	var kept []string
	for i, number := range strings.Split(v.String(), ".") {
		switch {
		case slices.Contains(parts, i):
			kept = append(kept, number)
		case number != "0": // what is left out means nothing, or the value is not understood
			return state.Version{}
		}
	}
	v, _ = state.ParseVersion(strings.Join(kept, ".")) // of too few parts: none
	return v
}

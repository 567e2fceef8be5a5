package chat

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// mostOffered is how many commands are named when several may be meant.
const mostOffered = 8

// unknown says that a line names no command, and which may be meant.
func unknown(specs []Spec, words []string) error {
	if len(words) == 0 {
		return &Problem{What: "There is no command in this line.", Try: "Try: help"}
	}
	first, given := words[0], strings.Join(words[:min(2, len(words))], " ")
	var paths, firsts []string
	for _, s := range specs {
		paths = append(paths, s.Path)
		if word, _, _ := strings.Cut(s.Path, " "); !slices.Contains(firsts, word) {
			firsts = append(firsts, word)
		}
	}
	under := among(paths, first+" ", strings.HasPrefix)
	switch {
	case len(under) > 0 && len(words) == 1:
		return &Problem{What: fmt.Sprintf("%q needs one more word.", first), Try: "Try: " + strings.Join(under, ", ")}
	case len(under) > 0:
		var rests []string
		for _, p := range under {
			rests = append(rests, p[len(first)+1:])
		}
		if near := Nearest(words[1], rests); near != "" {
			return noCommand(given, strings.ToLower(first)+" "+near)
		}
		return noCommand(given, offered(under))
	}
	near := Nearest(given, paths)
	if near == "" || len(words) == 1 {
		begun := among(paths, first, func(path, word string) bool { return strings.HasPrefix(path, word) || strings.Contains(path, " "+word) })
		near = cmp.Or(offered(begun), near)
	}
	if near == "" {
		near = Nearest(first, firsts)
		near = cmp.Or(offered(among(paths, near+" ", strings.HasPrefix)), near)
	}
	return noCommand(given, near)
}

func noCommand(given, near string) error {
	p := &Problem{What: fmt.Sprintf("There is no command %.40q.", given), Try: "Try: help"}
	if near != "" {
		p.Try = "Did you mean: " + near
	}
	return p
}

func offered(paths []string) string {
	return strings.Join(paths[:min(len(paths), mostOffered)], ", ")
}

// among are the paths that match a word of at least three letters, whatever its case.
func among(paths []string, word string, match func(path, word string) bool) []string {
	if len(strings.TrimSpace(word)) < 3 {
		return nil
	}
	var out []string
	for _, p := range paths {
		if match(p, strings.ToLower(word)) {
			out = append(out, p)
		}
	}
	return out
}

// Nearest is the candidate that was most likely meant, "" when none is near: one
// that goes on where the given text ends, or has a word that does; else the one
// with the fewest slips of the pen, at most one for every three letters.
func Nearest(given string, candidates []string) string {
	g := []rune(strings.ToLower(given))
	best, at := "", min(mostSlips, (len(g)+1)/3)+1
	if len(g) < 3 {
		at = 1 // a slip in two letters leaves nothing to go by
	}
	begun, begunAt := "", 3
	for _, c := range candidates {
		low := strings.ToLower(c)
		if rank := continues(low, string(g)); rank < begunAt || rank == begunAt && rank < 3 && len(c) < len(begun) {
			begun, begunAt = c, rank
		}
		if r := []rune(low); len(r)-len(g) < at && len(g)-len(r) < at {
			if d := slips(g, r); d < at {
				best, at = c, d
			}
		}
	}
	if best != "" && at == 0 || begun == "" {
		return best
	}
	return begun
}

// mostSlips bounds how far a long text may be from what was meant.
const mostSlips = 4

// continues ranks how a candidate goes on where the given text ends: 1 from its
// beginning, 2 from that of another word, 3 not at all.
func continues(candidate, given string) int {
	switch {
	case len([]rune(given)) < 3 || len(candidate) <= len(given):
		return 3
	case strings.HasPrefix(candidate, given):
		return 1
	}
	words := strings.FieldsFunc(candidate, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, given) }) {
		return 2
	}
	return 3
}

// slips counts the letters that are wrong, missing, too many or swapped with
// their neighbour (the optimal string alignment distance).
func slips(a, b []rune) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			wrong := 1
			if a[i-1] == b[j-1] {
				wrong = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+wrong)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

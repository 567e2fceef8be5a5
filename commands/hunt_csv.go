package commands

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/checks/hunt"
)

// TrafficCSV is attack traffic as a table, which no spreadsheet takes for formulas.
func TrafficCSV(all []hunt.Traffic) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write([]string{"server", "what", "rule", "first", "last", "requests", "method", "path", "parameters", "answers", "sources", "more sources", "agent", "unsure for want of", "front end only", "first at"})
	for _, t := range all {
		_ = w.Write([]string{
			cell(t.Server), t.Value, cell(t.Rule), t.First.UTC().Format(time.RFC3339), t.Last.UTC().Format(time.RFC3339), fmt.Sprint(t.Count),
			cell(t.Method), cell(t.Path), cell(t.Params), answersOf(t), strings.Join(t.Sources, " "), fmt.Sprint(t.More), cell(t.Agent),
			cell(t.Doubt), fmt.Sprint(t.Front), cell(t.Where),
		})
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

// answersOf counts the answers: "200 (3), 401 (12)".
func answersOf(t hunt.Traffic) string {
	var out []string
	for _, s := range slices.Sorted(maps.Keys(t.Status)) {
		status := fmt.Sprint(s)
		if s == 0 {
			status = "not logged"
		}
		out = append(out, fmt.Sprintf("%s (%d)", status, t.Status[s]))
	}
	return strings.Join(out, ", ")
}

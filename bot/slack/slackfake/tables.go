package slackfake

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Limits of the data blocks (docs.slack.dev/reference/block-kit/blocks/table-block,
// data-table-block, data-visualization-block).
const (
	maxTableRows    = 100
	maxTableColumns = 20
	maxTableText    = 10000 // characters in all cells together
	maxDataRows     = 101   // with the heading
	maxPageSize     = 100
	maxChartTitle   = 50
	maxChartLabel   = 20
	maxChartSeries  = 6
	maxChartPoints  = 20
	maxChartBlocks  = 2 // in one message
)

var rawCells = map[string]rule{
	"raw_text":   shape(must("type", anything), must("text", text(1, maxTableText))),
	"raw_number": shape(must("type", anything), must("value", number), may("text", text(1, maxTableText))),
}

func cells(extra map[string]rule) rule {
	kinds := map[string]rule{"rich_text": shape(must("type", anything), must("elements", items(1, 1000, byType(richParts()))), may("block_id", text(1, maxID)))}
	for _, m := range []map[string]rule{rawCells, extra} {
		for k, r := range m {
			kinds[k] = r
		}
	}
	return byType(kinds)
}

// table is a table block. One is allowed in a message, of either kind.
func table() rule {
	align := shape(may("align", oneOf("left", "center", "right")), may("is_wrapped", boolean))
	return all(shape(
		must("type", anything), may("block_id", blockID),
		must("rows", items(1, maxTableRows, items(1, maxTableColumns, cells(nil)))),
		may("column_settings", items(0, maxTableColumns, func(c *checker, at string, v any) {
			if v != nil {
				align(c, at, v)
			}
		})),
	), onlyOneTable, tableText)
}

// dataTable is a data_table block: its first row is the heading.
func dataTable() rule {
	action := map[string]rule{"action_cell": shape(must("type", anything), must("element", button), may("fallback", byType(rawCells)))}
	return all(shape(
		must("type", anything), may("block_id", blockID), must("caption", text(1, maxText)),
		may("page_size", whole(1, maxPageSize)), may("row_header_column_index", whole(0, maxTableColumns-1)),
		must("rows", items(2, maxDataRows, items(1, maxTableColumns, cells(action)))),
	), onlyOneTable, tableText, func(c *checker, at string, v any) {
		rows := list(obj(v)["rows"])
		for i, r := range rows {
			if len(list(r)) != len(list(rows[0])) {
				c.bad(fmt.Sprintf("%s/rows/%d", at, i), "all rows must have the same number of cells")
			}
		}
		for j, cell := range list(first(rows)) {
			if str(obj(cell)["type"]) == "rich_text" {
				c.bad(fmt.Sprintf("%s/rows/0/%d/type", at, j), "unsupported type: rich_text")
			}
		}
	})
}

func first(l []any) any {
	if len(l) == 0 {
		return nil
	}
	return l[0]
}

func onlyOneTable(c *checker, at string, _ any) {
	if c.tables++; c.tables > 1 {
		c.bad(at, "only_one_table_allowed")
	}
}

func tableText(c *checker, at string, v any) {
	n := 0
	for _, r := range list(obj(v)["rows"]) {
		for _, cell := range list(r) {
			n += textIn(cell)
		}
	}
	if n > maxTableText {
		c.bad(at+"/rows", "must be less than %d characters", maxTableText+1)
	}
}

// chart is a data_visualization block. Its roll-out is phased: a workspace that
// has it not refuses the type.
func chart() rule {
	label := text(1, maxChartLabel)
	points := shape(must("label", label), must("value", number))
	series := shape(must("name", label), must("data", items(1, maxChartPoints, points)))
	axes := shape(
		must("categories", items(1, maxChartPoints, label)),
		may("x_label", text(0, maxChartTitle)), may("y_label", text(0, maxChartTitle)),
	)
	lines := all(shape(must("type", anything), must("series", items(1, maxChartSeries, series)), must("axis_config", axes)), chartAgrees)
	pie := shape(must("type", anything), must("segments", items(1, maxChartSeries, shape(must("label", label), must("value", positive)))))
	body := shape(
		must("type", anything), may("block_id", blockID), must("title", text(1, maxChartTitle)),
		must("chart", byType(map[string]rule{"pie": pie, "bar": lines, "area": lines, "line": lines})),
	)
	return func(c *checker, at string, v any) {
		if c.noCharts {
			c.bad(at+"/type", "unsupported type: data_visualization")
			return
		}
		if c.charts++; c.charts > maxChartBlocks {
			c.bad(at, "too many data_visualization blocks")
		}
		body(c, at, v)
	}
}

func positive(c *checker, at string, v any) {
	number(c, at, v)
	if n, ok := v.(json.Number); ok {
		if f, err := n.Float64(); err == nil && f <= 0 {
			c.bad(at, "must be greater than 0")
		}
	}
}

// chartAgrees: names are unique, and each series has one point for each category.
func chartAgrees(c *checker, at string, v any) {
	var categories, names []string
	for i, cat := range list(obj(obj(v)["axis_config"])["categories"]) {
		if slices.Contains(categories, str(cat)) {
			c.bad(fmt.Sprintf("%s/axis_config/categories/%d", at, i), "must be unique")
		}
		categories = append(categories, str(cat))
	}
	for i, s := range list(obj(v)["series"]) {
		here := fmt.Sprintf("%s/series/%d", at, i)
		if slices.Contains(names, str(obj(s)["name"])) {
			c.bad(here+"/name", "must be unique")
		}
		names = append(names, str(obj(s)["name"]))
		var labels []string
		for _, p := range list(obj(s)["data"]) {
			labels = append(labels, str(obj(p)["label"]))
		}
		slices.Sort(labels)
		if want := slices.Sorted(slices.Values(categories)); !slices.Equal(labels, want) {
			c.bad(here+"/data", "must have exactly one point for every category")
		}
	}
}

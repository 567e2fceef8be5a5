package slackfake

// Limits of views (docs.slack.dev/reference/views/modal-views).
const (
	maxViewTitle    = 24
	maxViewMetadata = 3000
	maxPushed       = 2 // views pushed over the first
)

// checkView says what is wrong with a view.
func checkView(v any, kind surface) []string {
	c := &checker{surface: kind, blockIDs: map[string]bool{}}
	fields := []field{
		must("type", oneOf(string(kind))), must("blocks", items(0, maxViewBlocks, anyBlock())),
		may("private_metadata", text(0, maxViewMetadata)), may("callback_id", text(0, maxID)), may("external_id", text(0, maxID)),
	}
	if kind == onModal {
		fields = append(fields,
			must("title", plain(maxViewTitle)), may("submit", plain(maxViewTitle)), may("close", plain(maxViewTitle)),
			may("clear_on_close", boolean), may("notify_on_close", boolean), may("submit_disabled", boolean))
	}
	shape(fields...)(c, "/view", v)
	if kind == onModal && obj(v)["submit"] == nil {
		for _, at := range c.inputs {
			c.bad(at, "must define `submit` to use an `input` block in modals")
		}
	}
	return c.problems
}

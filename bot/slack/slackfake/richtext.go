package slackfake

import "slices"

// richText is a rich_text block: text that is data, never markup
// (docs.slack.dev/reference/block-kit/blocks/rich-text-block). An empty text
// element is refused.
var richText = shape(
	must("type", oneOf("rich_text")), may("block_id", blockID),
	must("elements", items(1, 1000, byType(richParts()))),
)

var richStyle = may("style", shape(
	may("bold", boolean), may("italic", boolean), may("strike", boolean), may("code", boolean), may("underline", boolean),
	may("highlight", boolean), may("client_highlight", boolean), may("unlink", boolean),
))

var richInline = byType(map[string]rule{
	"text":      shape(must("type", anything), must("text", text(1, 1<<20)), richStyle),
	"link":      shape(must("type", anything), must("url", text(1, maxURL)), may("text", text(1, 1<<20)), may("unsafe", boolean), richStyle),
	"user":      shape(must("type", anything), must("user_id", text(1, maxID)), richStyle),
	"usergroup": shape(must("type", anything), must("usergroup_id", text(1, maxID)), richStyle),
	"channel":   shape(must("type", anything), must("channel_id", text(1, maxID)), richStyle),
	"broadcast": shape(must("type", anything), must("range", oneOf("here", "channel", "everyone")), richStyle),
	"emoji":     shape(must("type", anything), must("name", text(1, maxID)), may("unicode", text(1, maxID)), may("skin_tone", whole(1, 6)), richStyle),
	"color":     shape(must("type", anything), must("value", text(1, 20)), richStyle),
	"team":      shape(must("type", anything), must("team_id", text(1, maxID)), richStyle),
	"date": shape(must("type", anything), must("timestamp", whole(0, 1<<40)), must("format", text(1, maxText)),
		may("url", link), may("fallback", text(1, maxText)), richStyle),
})

func richParts() map[string]rule {
	border := may("border", whole(0, 1))
	section := shape(must("type", anything), must("elements", items(0, 10000, richInline)))
	plainInline := func(c *checker, at string, v any) {
		if kind := str(obj(v)["type"]); !slices.Contains([]string{"text", "link", "user", "channel", "emoji", "usergroup", "broadcast", "date", "color"}, kind) {
			c.bad(at+"/type", "unsupported type: %.60s", kind)
			return
		}
		richInline(c, at, v)
	}
	return map[string]rule{
		"rich_text_section":      section,
		"rich_text_quote":        shape(must("type", anything), must("elements", items(0, 10000, richInline)), border),
		"rich_text_preformatted": shape(must("type", anything), must("elements", items(0, 10000, plainInline)), border, may("language", text(1, maxID))),
		"rich_text_list": shape(
			must("type", anything), must("style", oneOf("bullet", "ordered")), may("indent", whole(0, 8)), may("offset", whole(0, 1<<20)), border,
			must("elements", items(1, 10000, byType(map[string]rule{"rich_text_section": section}))),
		),
	}
}

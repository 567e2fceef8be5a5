package slackfake

import (
	"fmt"
	"slices"
	"sync"
)

// Limits of blocks (docs.slack.dev/reference/block-kit/blocks).
const (
	maxBlocks     = 50
	maxViewBlocks = 100
	maxFields     = 10
	maxFieldText  = 2000
	maxHeader     = 150
	maxContext    = 10
	maxActions    = 25
	maxMarkdown   = 12000 // in all markdown blocks of a message together
	maxLabel      = 2000
	maxChildren   = 10
	maxCards      = 10
)

// messageBudget is the undocumented limit on a message's blocks together, and what
// blocks cost besides their text. 13,200 and about 100 a heading are what people
// measured (slackapi/bolt-js#2509, #2867); the cost of other blocks is a guess on
// the safe side.
const (
	messageBudget = 13200
	headerCost    = 100
	blockCost     = 20
)

// where each block may be shown. What is not listed may be shown everywhere.
var surfaces = map[string][]surface{
	"table": {onMessage}, "data_table": {onMessage}, "data_visualization": {onMessage}, "markdown": {onMessage},
	"container": {onMessage}, "card": {onMessage}, "carousel": {onMessage}, "plan": {onMessage}, "task_card": {onMessage},
	"context_actions": {onMessage}, "file": {onMessage},
}

// anyBlock is the rule of any block, made once, for it never changes.
var anyBlock = sync.OnceValue(block)

func block() rule {
	actions := elementsIn(inActions)
	kinds := map[string]rule{
		"section":            section(),
		"header":             shape(must("type", anything), may("block_id", blockID), must("text", plain(maxHeader)), may("level", whole(1, 4))),
		"divider":            shape(must("type", anything), may("block_id", blockID)),
		"context":            shape(must("type", anything), may("block_id", blockID), must("elements", items(1, maxContext, contextElement))),
		"actions":            shape(must("type", anything), may("block_id", blockID), must("elements", items(1, maxActions, actions))),
		"context_actions":    shape(must("type", anything), may("block_id", blockID), must("elements", items(1, 5, elementsIn("feedback_buttons icon_button")))),
		"image":              imageBlock,
		"input":              inputBlock(),
		"rich_text":          richText,
		"markdown":           all(shape(must("type", anything), may("block_id", blockID), must("text", text(1, maxMarkdown))), markdownTotal),
		"table":              table(),
		"data_table":         dataTable(),
		"data_visualization": chart(),
		"video": shape(must("type", anything), may("block_id", blockID), must("alt_text", text(1, maxAltText)), must("title", plain(200)),
			must("thumbnail_url", link), must("video_url", link), may("author_name", text(1, 50)), may("description", plain(200)),
			may("provider_icon_url", link), may("provider_name", text(1, maxID)), may("title_url", link)),
		"file": shape(must("type", anything), may("block_id", blockID), must("external_id", text(1, maxID)), must("source", oneOf("remote"))),
		"card": card(),
		"carousel": shape(must("type", anything), may("block_id", blockID), must("elements", items(1, maxCards, byType(map[string]rule{
			"card": card(),
		})))),
		"task_card": taskCard,
		"plan":      shape(must("type", anything), may("block_id", blockID), must("title", text(1, maxLabel)), may("tasks", items(1, maxViewBlocks, taskCard))),
		"alert":     alert,
	}
	var one rule
	child := func(c *checker, at string, v any) { one(c, at, v) }
	kinds["container"] = shape(
		must("type", anything), may("block_id", blockID), may("title", plain(150)), may("rich_text_title", richText),
		may("subtitle", either(150)), may("icon", picture), may("width", oneOf("narrow", "standard", "wide", "full")),
		may("is_collapsible", boolean), may("default_collapsed", boolean), may("has_header_divider", boolean),
		must("child_blocks", items(1, maxChildren, child)),
	)
	one = func(c *checker, at string, v any) {
		c.actionIDs = map[string]bool{}
		kind := str(obj(v)["type"])
		if on, limited := surfaces[kind]; limited && !slices.Contains(on, c.surface) {
			c.bad(at+"/type", "unsupported type: %s", kind)
			return
		}
		byType(kinds)(c, at, v)
	}
	return one
}

func section() rule {
	body := shape(
		must("type", anything), may("block_id", blockID), may("text", either(maxText)),
		may("fields", items(1, maxFields, either(maxFieldText))), may("accessory", elementsIn(inAccessory)), may("expand", boolean),
	)
	return func(c *checker, at string, v any) {
		body(c, at, v)
		if o := obj(v); o["text"] == nil && o["fields"] == nil {
			c.bad(at, "missing required field: text")
		}
	}
}

func contextElement(c *checker, at string, v any) {
	if str(obj(v)["type"]) == "image" {
		picture(c, at, v)
		return
	}
	either(maxText)(c, at, v)
}

func imageBlock(c *checker, at string, v any) {
	shape(must("type", anything), may("block_id", blockID), may("image_url", link), may("slack_file", slackFile),
		must("alt_text", text(1, maxAltText)), may("title", plain(maxLabel)))(c, at, v)
	oneOfTwo(c, at, v, "image_url", "slack_file")
}

func inputBlock() rule {
	body := shape(
		must("type", anything), may("block_id", blockID), must("label", plain(maxLabel)), must("element", elementsIn(inInput)),
		may("dispatch_action", boolean), may("hint", plain(maxLabel)), may("optional", boolean),
	)
	return func(c *checker, at string, v any) {
		c.inputs = append(c.inputs, at)
		body(c, at, v)
	}
}

func markdownTotal(c *checker, at string, v any) {
	before := c.markdown
	c.markdown += length(str(obj(v)["text"]))
	if before <= maxMarkdown && before > 0 && c.markdown > maxMarkdown {
		c.bad(at+"/text", "all markdown blocks together must be less than %d characters", maxMarkdown+1)
	}
}

// card shows at least one thing (docs.slack.dev/reference/block-kit/blocks/card-block).
func card() rule {
	body := shape(
		must("type", anything), may("block_id", blockID), may("hero_image", picture), may("icon", picture),
		may("slack_icon", anything), may("title", either(150)), may("subtitle", either(150)), may("body", either(200)),
		may("subtext", either(200)), may("actions", items(1, 3, byType(map[string]rule{"button": button}))),
	)
	return func(c *checker, at string, v any) {
		body(c, at, v)
		if o := obj(v); o["hero_image"] == nil && o["title"] == nil && o["actions"] == nil && o["body"] == nil {
			c.bad(at, "missing required field: title")
		}
	}
}

func taskCard(c *checker, at string, v any) {
	shape(must("type", oneOf("task_card")), may("block_id", blockID), must("task_id", text(1, maxID)), must("title", text(1, maxLabel)),
		may("status", oneOf("pending", "in_progress", "complete", "error")), may("details", richText), may("output", richText),
		may("sources", items(1, 20, shape(must("type", anything), must("url", link), must("text", text(1, maxLabel))))), may("hide_title", boolean))(c, at, v)
}

// alert blocks come in streams only; chat.postMessage refuses them.
func alert(c *checker, at string, v any) {
	if !c.stream {
		c.bad(at+"/type", "unsupported type: alert")
		return
	}
	shape(must("type", anything), may("block_id", blockID), must("text", either(200)),
		may("level", oneOf("default", "info", "warning", "error", "success")))(c, at, v)
}

// checkBlocks says what is wrong with the blocks of a message.
func checkBlocks(v any, noCharts, stream bool) []string {
	c := &checker{surface: onMessage, noCharts: noCharts, stream: stream, blockIDs: map[string]bool{}}
	items(0, maxBlocks, anyBlock())(c, "/blocks", v)
	return c.problems
}

// cost is what blocks count against the budget of a message.
func cost(blocks []any) int {
	n := 0
	for i, b := range blocks {
		n += textIn(b)
		switch {
		case str(obj(b)["type"]) == "header":
			n += headerCost
		case i > 0:
			n += blockCost
		}
	}
	return n
}

// textIn counts the characters that are shown, wherever they are.
func textIn(v any) int {
	n := 0
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			n += textIn(e)
		}
	case object:
		for k, e := range v {
			if s, ok := e.(string); ok {
				if k == "text" || k == "title" || k == "name" && v["type"] == "emoji" {
					n += length(s)
				}
				continue
			}
			n += textIn(e)
		}
	}
	return n
}

// name gives blocks and elements without an id one, as Slack does.
func (s *Slack) nameBlocks(blocks []any) {
	for i, b := range blocks {
		o := obj(b)
		if o == nil {
			continue
		}
		if str(o["block_id"]) == "" {
			o["block_id"] = newSecret(3)[:5]
		}
		nameElements(o, fmt.Sprint(i))
	}
}

func nameElements(o object, prefix string) {
	for _, k := range []string{"accessory", "element"} {
		if e := obj(o[k]); e != nil && e["type"] != "image" && str(e["action_id"]) == "" {
			e["action_id"] = newSecret(3)[:5]
		}
	}
	for i, e := range list(o["elements"]) {
		e := obj(e)
		if e != nil && str(o["type"]) == "actions" && str(e["action_id"]) == "" {
			e["action_id"] = fmt.Sprintf("%s%s%d", newSecret(2), prefix, i)
		}
	}
}

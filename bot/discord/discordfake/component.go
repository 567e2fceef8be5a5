package discordfake

import (
	"encoding/json"
	"maps"
	"slices"
)

// The types of components.
// https://docs.discord.com/developers/components/reference#component-object-component-types
const (
	typeRow               = 1
	typeButton            = 2
	typeStringSelect      = 3
	typeTextInput         = 4
	typeUserSelect        = 5
	typeRoleSelect        = 6
	typeMentionableSelect = 7
	typeChannelSelect     = 8
	typeSection           = 9
	typeText              = 10
	typeThumbnail         = 11
	typeGallery           = 12
	typeFile              = 13
	typeSeparator         = 14
	typeContainer         = 17
	typeLabel             = 18
	typeUpload            = 19
	typeRadio             = 21
	typeCheckboxes        = 22
	typeCheckbox          = 23
)

// The limits of components. Lengths are code points.
// https://docs.discord.com/developers/components/reference
const (
	maxRows         = 5
	maxPerRow       = 5
	maxComponents   = 40
	maxCustomID     = 100
	maxButtonLabel  = 80
	maxButtonURL    = 512
	maxOptions      = 25
	maxOptionText   = 100
	maxPlaceholder  = 150
	maxInput        = 4000
	maxInputHint    = 100
	maxLabel        = 45
	maxModalTitle   = 45
	maxModalRows    = 5
	maxGallery      = 10
	maxMediaText    = 1024
	maxSectionTexts = 3
	// maxTexts is for all text displays of a message together; observed.
	maxTexts = 4000
)

// surface is where components stand.
type surface int

const (
	legacyMessage surface = iota
	v2Message
	modalForm
)

// component is a component with what a person can see of it and do with it.
type component struct {
	Type        int
	ID          int64
	CustomID    string
	Label       string // of a button or a label
	Text        string // of a text display
	Hint        string // a placeholder
	URL         string
	Style       int64
	Disabled    bool
	Required    bool
	Value       string
	Least, Most int64 // values of a select, length of an input
	Options     []option
	Kids        []*component
	Media       []media

	raw map[string]any
}

type option struct{ Label, Value, Description string }

type media struct{ url, description string }

// MarshalJSON writes the component as it came, with its number.
func (c *component) MarshalJSON() ([]byte, error) {
	out := maps.Clone(c.raw)
	out["type"], out["id"] = c.Type, c.ID
	switch c.Type {
	case typeRow, typeContainer:
		out["components"] = c.Kids
	case typeSection:
		out["components"], out["accessory"] = c.Kids[:len(c.Kids)-1], c.Kids[len(c.Kids)-1]
	}
	return json.Marshal(out)
}

// walk calls f with the component and all in it.
func (c *component) walk(f func(*component)) {
	f(c)
	for _, k := range c.Kids {
		k.walk(f)
	}
}

// reader checks the components of one message or modal.
type reader struct {
	on  surface
	ids map[string]bool
	// numbers are the ids of components; those without one get the next free.
	numbers map[int64]bool
	count   int
	texts   int
	files   []*attachment
}

// readComponents reads and checks components. The files are those of the message.
func readComponents(list field, on surface, files []*attachment) []*component {
	r := &reader{on: on, ids: map[string]bool{}, numbers: map[int64]bool{}, files: files}
	least, most := 0, maxRows
	allowed := []int64{typeRow}
	switch on {
	case v2Message:
		most = maxComponents
		allowed = []int64{typeRow, typeSection, typeText, typeGallery, typeFile, typeSeparator, typeContainer}
	case modalForm:
		least, most = 1, maxModalRows
		allowed = []int64{typeRow, typeText, typeLabel}
		list.required()
	}
	out := r.list(list, least, most, allowed)
	if r.count > maxComponents {
		list.bad("COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", "The total number of components exceeds the maximum of %d", maxComponents)
	}
	if r.texts > maxTexts {
		list.bad("COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", "Components displayable text size exceeds maximum size of %d", maxTexts)
	}
	r.number(out)
	return out
}

// number gives an id to every component without one.
func (r *reader) number(all []*component) {
	next := int64(0)
	for _, top := range all {
		top.walk(func(c *component) {
			if c.ID > 0 {
				return
			}
			for next++; r.numbers[next]; {
				next++
			}
			c.ID = next
		})
	}
}

func (r *reader) list(list field, least, most int, allowed []int64) []*component {
	var out []*component
	for _, f := range list.list(least, most) {
		if c := r.one(f, allowed); c != nil {
			out = append(out, c)
		}
	}
	return out
}

func (r *reader) one(f field, allowed []int64) *component {
	if !f.object() {
		return nil
	}
	if !f.get("type").required() {
		return nil
	}
	kind := f.get("type").choice(allowed...)
	if !slices.Contains(allowed, kind) {
		return nil
	}
	r.count++
	c := &component{Type: int(kind), raw: map[string]any{}}
	if object, ok := f.value.(map[string]any); ok {
		c.raw = maps.Clone(object)
	}
	if c.ID = f.get("id").integer(0, 1<<31-1); c.ID > 0 {
		if r.numbers[c.ID] {
			f.get("id").bad("COMPONENT_ID_DUPLICATED", "Component id cannot be duplicated")
		}
		r.numbers[c.ID] = true
	}
	r.read(c, f)
	return c
}

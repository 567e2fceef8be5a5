package discordfake

import (
	"strings"
	"unicode/utf8"
)

// read reads what a component of its type has.
func (r *reader) read(c *component, f field) {
	switch c.Type {
	case typeRow:
		r.row(c, f)
	case typeButton:
		r.button(c, f)
	case typeStringSelect, typeUserSelect, typeRoleSelect, typeMentionableSelect, typeChannelSelect:
		r.choose(c, f)
	case typeTextInput:
		r.input(c, f)
	case typeSection:
		r.section(c, f)
	case typeText:
		c.Text = f.get("content").need(1, maxTexts)
		r.texts += utf8.RuneCountInString(c.Text)
	case typeThumbnail:
		r.media(c, f)
	case typeGallery:
		f.get("items").required()
		for _, item := range f.get("items").list(1, maxGallery) {
			if item.object() {
				r.media(c, item)
			}
		}
	case typeFile:
		r.file(c, f.get("file"))
	case typeSeparator:
		f.get("divider").flag()
		if f.get("spacing").has {
			f.get("spacing").choice(1, 2)
		}
	case typeContainer:
		f.get("accent_color").integer(0, 0xffffff)
		f.get("components").required()
		c.Kids = r.list(f.get("components"), 1, maxComponents, []int64{typeRow, typeText, typeSection, typeGallery, typeSeparator, typeFile})
	default:
		r.modalPart(c, f)
	}
}

// modalPart reads what only a modal has.
func (r *reader) modalPart(c *component, f field) {
	switch c.Type {
	case typeLabel:
		c.Label = f.get("label").need(1, maxLabel)
		f.get("description").text(0, 100)
		f.get("component").required()
		inner := []int64{typeStringSelect, typeTextInput, typeUserSelect, typeRoleSelect, typeMentionableSelect, typeChannelSelect, typeUpload, typeRadio, typeCheckboxes, typeCheckbox}
		if kid := r.one(f.get("component"), inner); kid != nil {
			if kid.Label == "" {
				kid.Label = c.Label
			}
			c.Kids = []*component{kid}
		}
	case typeUpload:
		r.customID(c, f)
		r.counts(c, f, 0, 10, 1)
	case typeRadio:
		r.customID(c, f)
		r.options(c, f, 2)
		c.Least, c.Most, c.Required = 1, 1, r.must(f)
	case typeCheckboxes:
		r.customID(c, f)
		r.options(c, f, 1)
		r.counts(c, f, 0, 10, int64(len(c.Options)))
	case typeCheckbox:
		r.customID(c, f)
		f.get("default").flag()
	}
}

// must says whether something has to be filled in: yes, unless it says no.
func (r *reader) must(f field) bool { return !f.get("required").has || f.get("required").flag() }

func (r *reader) customID(c *component, f field) {
	c.CustomID = f.get("custom_id").need(1, maxCustomID)
	if c.CustomID != "" && r.ids[c.CustomID] {
		f.get("custom_id").bad("COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")
	}
	r.ids[c.CustomID] = true
}

func (r *reader) row(c *component, f field) {
	f.get("components").required()
	allowed := []int64{typeButton, typeStringSelect, typeUserSelect, typeRoleSelect, typeMentionableSelect, typeChannelSelect}
	if r.on == modalForm {
		allowed = []int64{typeTextInput}
	}
	c.Kids = r.list(f.get("components"), 1, maxPerRow, allowed)
	width := 0
	for _, k := range c.Kids {
		if k.Type == typeButton {
			width++
		} else {
			width += maxPerRow
		}
	}
	if width > maxPerRow && len(c.Kids) > 1 {
		f.get("components").bad("COMPONENT_LAYOUT_WIDTH_EXCEEDED", "The specified component exceeds the maximum width")
	}
}

func (r *reader) button(c *component, f field) {
	f.get("style").required()
	c.Style = f.get("style").choice(1, 2, 3, 4, 5, 6)
	c.Label = f.get("label").text(0, maxButtonLabel)
	c.Disabled = f.get("disabled").flag()
	switch c.Style {
	case 5:
		f.get("url").required()
		c.URL = f.get("url").link(maxButtonURL, "http", "https", "discord")
		if f.get("custom_id").has && f.get("custom_id").text(0, maxCustomID) != "" {
			f.get("custom_id").bad("BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", "A custom id and url cannot both be specified")
		}
	case 6:
		f.get("sku_id").required()
		f.get("sku_id").id()
	default:
		r.customID(c, f)
		if f.get("url").has && f.get("url").text(0, maxButtonURL) != "" {
			f.get("url").bad("BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", "A custom id and url cannot both be specified")
		}
	}
	if c.Label == "" && !f.get("emoji").has && c.Style != 6 {
		f.get("label").bad("BUTTON_COMPONENT_INVALID_LABEL", "A button must have a label or an emoji")
	}
}

func (r *reader) choose(c *component, f field) {
	r.customID(c, f)
	c.Hint = f.get("placeholder").text(0, maxPlaceholder)
	c.Disabled = f.get("disabled").flag()
	if c.Type == typeStringSelect {
		r.options(c, f, 1)
	}
	r.counts(c, f, 0, maxOptions, 1)
	if c.Type == typeStringSelect && c.Most > int64(len(c.Options)) {
		f.get("max_values").bad("SELECT_COMPONENT_MAX_VALUES_TOO_LARGE", "The max values cannot be greater than the number of options")
	}
}

func (r *reader) counts(c *component, f field, least, most, otherwise int64) {
	c.Required = r.must(f)
	c.Least, c.Most = 1, otherwise
	if v := f.get("min_values"); v.has {
		c.Least = v.integer(least, most)
	}
	if v := f.get("max_values"); v.has {
		c.Most = v.integer(1, most)
	}
	if c.Least > c.Most {
		f.get("min_values").bad("NUMBER_TYPE_MAX", "int value should be less than or equal to %d.", c.Most)
	}
}

func (r *reader) options(c *component, f field, least int) {
	most := maxOptions
	if c.Type == typeRadio || c.Type == typeCheckboxes {
		most = 10
	}
	f.get("options").required()
	values := map[string]bool{}
	for _, o := range f.get("options").list(least, most) {
		if !o.object() {
			continue
		}
		opt := option{o.get("label").need(1, maxOptionText), o.get("value").need(1, maxOptionText), o.get("description").text(0, maxOptionText)}
		if values[opt.Value] {
			o.get("value").bad("SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", "The specified option value is already used")
		}
		values[opt.Value] = true
		c.Options = append(c.Options, opt)
	}
}

func (r *reader) input(c *component, f field) {
	r.customID(c, f)
	label := f.get("label")
	if label.has {
		c.Label = label.text(1, maxLabel)
	} else if f.path[len(f.path)-1] != "component" { // a label around it names it otherwise
		label.required()
	}
	f.get("style").required()
	c.Style = f.get("style").choice(1, 2)
	c.Hint = f.get("placeholder").text(0, maxInputHint)
	c.Value = f.get("value").text(0, maxInput)
	c.Required = r.must(f)
	c.Least, c.Most = f.get("min_length").integer(0, maxInput), maxInput
	if v := f.get("max_length"); v.has {
		c.Most = v.integer(1, maxInput)
	}
	if c.Least > c.Most {
		f.get("min_length").bad("NUMBER_TYPE_MAX", "int value should be less than or equal to %d.", c.Most)
	}
}

func (r *reader) section(c *component, f field) {
	f.get("components").required()
	f.get("accessory").required()
	c.Kids = r.list(f.get("components"), 1, maxSectionTexts, []int64{typeText})
	if a := r.one(f.get("accessory"), []int64{typeButton, typeThumbnail}); a != nil {
		c.Kids = append(c.Kids, a)
	}
}

func (r *reader) media(c *component, f field) {
	f.get("media").required()
	f.get("spoiler").flag()
	m := media{f.get("media").get("url").need(1, 2048), f.get("description").text(0, maxMediaText)}
	f.get("media").get("url").link(2048, "http", "https", "attachment")
	r.uploaded(f.get("media").get("url"), m.url)
	c.Media = append(c.Media, m)
}

func (r *reader) file(c *component, f field) {
	f.required()
	url := f.get("url").need(1, 2048)
	f.get("url").link(2048, "attachment")
	r.uploaded(f.get("url"), url)
	c.Media = append(c.Media, media{url: url})
}

// uploaded checks that a file which is referred to is there.
func (r *reader) uploaded(f field, url string) {
	name, ok := strings.CutPrefix(url, "attachment://")
	if !ok {
		return
	}
	for _, a := range r.files {
		if a.name == name {
			return
		}
	}
	f.bad("UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND", "The referenced attachment %q was not found", name)
}

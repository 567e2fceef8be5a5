package commands

import "encoding/json"

// EvidenceShape is the shape of a document of evidence as a JSON Schema (draft
// 2020-12), for editors and collectors. The reader checks what no shape can say,
// too: that names are of the farm, that times can be true.
func EvidenceShape() []byte {
	known := map[string]any{
		"schema":   map[string]any{"const": EvidenceSchema},
		"farm":     text("The farm as in the inventory; of a server without a farm, its name."),
		"observed": moment("When it was looked at."),
		"tool":     text("Who looked, with its version: collector/1@sp-fin-01."),
		"build":    build("(Get-SPFarm).BuildVersion. It proves nothing: packages and PSConfig decide."),
		"items": map[string]any{
			"type": "array", "minItems": 1, "items": text(""),
			"description": "All web applications of the farm, Central Administration too. Until they are listed, what each of them must prove stays open.",
		},
		"servers":         each(serverEntries(), "What was seen on each server, by its name."),
		"webApplications": each(itemEntries(), "What was seen of each web application, by its name."),
		"evidence": map[string]any{
			"type": "array", "items": genericShape(), "description": "Any kind that the playbook of the incident asks for.",
		},
	}
	b, err := json.MarshalIndent(map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Evidence from inside a farm, for allclear",
		"description": "What is left out, or null, is not known, and proves nothing. Times are RFC 3339 with a zone.",
		"type":        "object", "required": []string{"schema", "farm", "observed"}, "properties": known, "additionalProperties": false,
	}, "", "  ")
	if err != nil { // only constants are in it
		panic(err)
	}
	return append(b, '\n')
}

func text(what string) map[string]any {
	return about(map[string]any{"type": "string", "minLength": 1}, what)
}

func moment(what string) map[string]any {
	return about(map[string]any{"type": "string", "format": "date-time", "pattern": `^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$`}, what)
}

func build(what string) map[string]any {
	return about(map[string]any{"type": "string", "pattern": `^\d+(\.\d+){1,3}$`}, what)
}

func about(m map[string]any, what string) map[string]any {
	if what != "" {
		m["description"] = what
	}
	return m
}

// each is an object whose members have names of their own, and these entries.
func each(entries []entry, what string) map[string]any {
	known := map[string]any{}
	for _, e := range entries {
		known[e.key] = map[string]any{"anyOf": []any{e.shape(), map[string]any{"type": "null"}}}
	}
	return map[string]any{
		"type": "object", "description": what, "propertyNames": map[string]any{"minLength": 1},
		"additionalProperties": map[string]any{"type": []string{"object", "null"}, "properties": known, "additionalProperties": false},
	}
}

func (e entry) shape() map[string]any {
	value := build("")
	if e.words != nil {
		value = map[string]any{"enum": e.words}
	}
	if e.member == "" && !e.event {
		return value
	}
	known, required := map[string]any{}, []string{}
	if e.member != "" {
		known[e.member], required = value, append(required, e.member)
	}
	if e.hunt {
		known["from"], known["to"] = moment("From when it looked."), moment("Until when.")
	} else {
		known["at"] = moment("When it happened.")
	}
	if e.event {
		required = append(required, "at")
	}
	return map[string]any{"type": "object", "required": required, "properties": known, "additionalProperties": false}
}

func genericShape() map[string]any {
	return map[string]any{
		"type": "object", "required": []string{"subject", "kind", "value"}, "additionalProperties": false,
		"properties": map[string]any{
			"subject": map[string]any{
				"type": "object", "properties": map[string]any{"server": text(""), "item": text("")}, "additionalProperties": false, "maxProperties": 1,
				"description": "A server, an item, or the farm when it is empty.",
			},
			"kind": text("A kind of the playbook."), "value": text("A word or build that it knows."),
			"at": moment("When it happened."), "from": moment("From when a hunt looked."), "to": moment("Until when."), "observed": moment("When it was seen, if not with the rest."),
		},
	}
}

package playbook

import (
	_ "embed"
	"slices"
)

//go:embed playbook.schema.json
var schema []byte

// Schema is the shape of a playbook as a JSON Schema, for editors. It is stricter than
// [Parse] in one thing, as YAML itself is: text that looks like a number must be
// quoted. Parse also checks what no shape can say.
func Schema() []byte { return slices.Clone(schema) }

package slackfake

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
)

// object is a JSON object. Blocks and views are kept as they came, so that what
// is given back is what was sent, not what this package understood of it.
type object = map[string]any

// decode reads one JSON value, with numbers as they were written.
func decode(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more after the value")
	}
	return v, nil
}

func str(v any) string {
	s, _ := v.(string)
	return s
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

func obj(v any) object {
	o, _ := v.(object)
	return o
}

func truth(v any) bool {
	b, _ := v.(bool)
	return b
}

// clone copies a JSON value with all that is in it.
func clone[T any](v T) T {
	c, _ := cloneAny(v).(T)
	return c
}

func cloneAny(v any) any {
	switch v := v.(type) {
	case object:
		if v == nil {
			return v
		}
		c := make(object, len(v))
		for k, e := range v {
			c[k] = cloneAny(e)
		}
		return c
	case []any:
		if v == nil {
			return v
		}
		c := make([]any, len(v))
		for i, e := range v {
			c[i] = cloneAny(e)
		}
		return c
	case []string:
		return slices.Clone(v)
	}
	return v
}

// merge is a with what b says over it.
func merge(a, b object) object {
	c := make(object, len(a)+len(b))
	maps.Copy(c, a)
	maps.Copy(c, b)
	return c
}

// tidy makes what was built in Go look like what came over the wire.
func tidy(v any) object {
	raw, err := json.Marshal(v)
	if err != nil {
		return object{}
	}
	out, err := decode(raw)
	if err != nil {
		return object{}
	}
	return obj(out)
}

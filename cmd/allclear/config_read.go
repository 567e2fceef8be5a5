package main

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// decode reads the text of a configuration. All that is wrong with it is told at
// once, each with its line and column: the decoder itself stops at the first.
func (f *configFile) decode(data []byte) (err error) {
	defer func() {
		if p := recover(); p != nil { // of the decoder: some tags are too much for it
			*f, err = configFile{}, errors.New("this is not YAML that can be read")
		}
	}()
	file, err := parser.ParseBytes(data, 0)
	switch {
	case err != nil:
		return errors.New(yaml.FormatError(err, false, false))
	case len(file.Docs) > 1:
		return errors.New("there is more than one document in it; the others would not be read")
	}
	whole := yaml.UnmarshalWithOptions(data, f, yaml.Strict())
	if whole == nil {
		return nil
	}
	*f = configFile{}
	if errs := decodeNode(file.Docs[0].Body, reflect.ValueOf(f).Elem()); len(errs) > 0 {
		return errors.Join(errs...)
	}
	return errors.New(yaml.FormatError(whole, false, false)) // what depends on several places
}

// decodeNode reads a node into a value, and each of its parts by itself.
func decodeNode(n ast.Node, v reflect.Value) []error {
	var errs []error
	values, isMap := entriesOf(n)
	list, isList := n.(*ast.SequenceNode)
	switch {
	case v.Kind() == reflect.Struct && isMap:
		for _, e := range values {
			name := e.Key.GetToken().Value
			field, names := fieldOf(v, name)
			if !field.IsValid() {
				errs = append(errs, at(e.Key, "there is no key %q%s", name, didYouMean(name, names)))
				continue
			}
			errs = append(errs, decodeNode(e.Value, field)...)
		}
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct && isList:
		for _, item := range list.Values {
			one := reflect.New(v.Type().Elem()).Elem()
			errs = append(errs, decodeNode(item, one)...)
			v.Set(reflect.Append(v, one))
		}
	default:
		if err := yaml.NodeToValue(n, v.Addr().Interface(), yaml.Strict()); err != nil {
			errs = append(errs, at(n, "this cannot be here: want %s", wanted(v.Type())))
		}
	}
	return errs
}

// entriesOf are the keys and values of a node, when it has any.
func entriesOf(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

// fieldOf is the field of a key, and the keys that there are.
func fieldOf(v reflect.Value, key string) (found reflect.Value, names []string) {
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		if names = append(names, name); name == key {
			found = v.Field(i)
		}
	}
	return found, names
}

// wanted is a type in words.
func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a text"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.String {
			return "a list of texts"
		}
		return "a list"
	}
	return "keys with values"
}

func at(n ast.Node, format string, args ...any) error {
	p := n.GetToken().Position
	return fmt.Errorf("[%d:%d] %s", p.Line, p.Column, fmt.Sprintf(format, args...))
}

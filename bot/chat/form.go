package chat

import (
	"fmt"
	"strings"
)

// Form is what a button asks for before its line runs. It is made from the Spec
// of its command, so that a form asks for nothing that cannot be typed.
type Form struct {
	Spec   Spec
	Inputs []Input
	words  []string // behind the command
}

// Input is one question of a form.
type Input struct {
	Arg
	Flag     bool // else positional
	Required bool
}

// FormOf is the form of a button, with no inputs when it asks for nothing. An
// error is a mistake of whoever made the button.
func FormOf(specs []Spec, b Button) (Form, error) {
	spec, words, err := Find(specs, b.Line)
	if err != nil {
		return Form{}, fmt.Errorf("the line of button %q: %w", b.Label, err)
	}
	f := Form{Spec: spec, words: words}
	for _, name := range b.Ask {
		name, mayBeEmpty := strings.CutSuffix(name, "?")
		in, ok := spec.input(name)
		if !ok {
			return Form{}, fmt.Errorf("button %q asks for %q, which %s does not have", b.Label, name, spec.Path)
		}
		in.Required = !mayBeEmpty && in.Type != Switch
		f.Inputs = append(f.Inputs, in)
	}
	return f, nil
}

func (s Spec) input(name string) (Input, bool) {
	for _, a := range s.Flags {
		if a.Name == name {
			return Input{Arg: a, Flag: true}, true
		}
	}
	for _, a := range s.Args {
		if a.Name == name {
			return Input{Arg: a}, true
		}
	}
	return Input{}, false
}

// Fill is the line of the form with its answers, by the names of the inputs. Each
// answer is one word of the line, whatever was written. Wrong answers are told by
// the names of their inputs, and then there is no line.
func (f Form) Fill(answers map[string]string) (line string, wrong map[string]string) {
	wrong = map[string]string{}
	flags, rest := []string{f.Spec.Path}, []string{}
	for _, in := range f.Inputs {
		value := strings.TrimSpace(answers[in.Name])
		switch {
		case value == "" && in.Required:
			wrong[in.Name] = "This is needed."
			continue
		case value == "" || in.Type == Switch && value != "yes":
			continue
		}
		if err := check(in.Arg, value); err != nil {
			wrong[in.Name] = err.Error()
			continue
		}
		switch {
		case in.Type == Switch:
			flags = append(flags, "--"+in.Name)
		case in.Flag:
			flags = append(flags, Quote("--"+in.Name+"="+value))
		default:
			rest = append(rest, Quote(value))
		}
	}
	for _, w := range f.words {
		flags = append(flags, Quote(w))
	}
	if len(rest) > 0 {
		flags = append(append(flags, endOfFlags), rest...)
	}
	if len(wrong) > 0 {
		return "", wrong
	}
	return strings.Join(flags, " "), nil
}

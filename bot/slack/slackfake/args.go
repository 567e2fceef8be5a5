package slackfake

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
)

const maxBody = 16 << 20

// args are the arguments of a call, however they came.
type args map[string]any

// readArgs reads the arguments and the token of a request.
func (s *Slack) readArgs(r *http.Request, m method) (args, string, []string, *refusal) {
	a := args{}
	bearer := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if r.URL.Query().Has("token") {
		s.complain(TokenInURL, "%s", r.URL.Path)
		return a, "", nil, nil // apps made since 2021 may not: it is not seen
	}
	for k, v := range r.URL.Query() {
		a[k] = v[len(v)-1]
	}
	if r.Method == http.MethodGet {
		return a, bearer, nil, nil
	}
	if r.Method != http.MethodPost {
		return a, bearer, nil, refuse("invalid_request_method")
	}
	warnings, refused := readBody(r, m, a)
	if given, ok := a["token"].(string); ok {
		delete(a, "token")
		if bearer == "" && given != "" && !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
			bearer = given // in JSON it counts in the header only
		}
	}
	return a, bearer, warnings, refused
}

func readBody(r *http.Request, m method, a args) ([]string, *refusal) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil && r.ContentLength > 0 {
		return nil, refuse("missing_post_type")
	}
	r.Body = http.MaxBytesReader(nil, r.Body, maxBody)
	switch kind {
	case "":
		return nil, nil
	case "application/x-www-form-urlencoded", "multipart/form-data":
		if kind == "multipart/form-data" {
			err = r.ParseMultipartForm(maxBody)
		} else {
			err = r.ParseForm()
		}
		if err != nil {
			return nil, refuse("invalid_form_data")
		}
		for k, v := range r.PostForm {
			a[k] = v[len(v)-1]
		}
		if params["charset"] != "" {
			return []string{"superfluous_charset"}, nil
		}
		return nil, nil
	case "application/json":
		return readJSON(r.Body, m, params, a)
	}
	return nil, refuse("invalid_post_type")
}

func readJSON(body io.Reader, m method, params map[string]string, a args) ([]string, *refusal) {
	raw, err := io.ReadAll(body)
	if err != nil {
		return nil, refuse("request_timeout")
	}
	var warnings []string
	if params["charset"] == "" {
		warnings = append(warnings, "missing_charset")
	}
	if len(strings.TrimSpace(string(raw))) == 0 {
		return warnings, nil
	}
	v, err := decode(raw)
	if err != nil {
		return warnings, refuse("invalid_json")
	}
	o, ok := v.(object)
	if !ok {
		return warnings, refuse("json_not_object")
	}
	if !m.json {
		return warnings, nil // what reads takes forms only: the arguments are not seen
	}
	for k, e := range o {
		a[k] = e
	}
	return warnings, nil
}

func (a args) str(name string) string {
	switch v := a[name].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

func (a args) truth(name string) bool {
	switch strings.ToLower(a.str(name)) {
	case "true", "1":
		return true
	}
	return false
}

// count reads a number, def when there is none.
func (a args) count(name string, def int) int {
	n, err := strconv.Atoi(a.str(name))
	if err != nil {
		return def
	}
	return n
}

func (a args) has(name string) bool {
	v, ok := a[name]
	return ok && v != nil && v != ""
}

// value reads an argument that is JSON, in a form or in JSON.
func (a args) value(name string) (any, error) {
	s, isText := a[name].(string)
	if !isText {
		return a[name], nil
	}
	if s == "" {
		return nil, nil
	}
	v, err := decode([]byte(s))
	if err != nil {
		return nil, fmt.Errorf("argument %s: %w", name, err)
	}
	return v, nil
}

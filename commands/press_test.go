package commands

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
)

// Whoever writes a button names the command and its options in the source: each must
// be one that takes them.
func TestEveryButtonNamesACommandThatTakesItsWords(t *testing.T) {
	t.Parallel()
	specs := map[string]chat.Spec{}
	for _, c := range All(newBoard(t, 2).parts) {
		specs[c.Spec().Path] = c.Spec()
	}
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	checked := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		tree, err := parser.ParseFile(set, file, nil, 0)
		require.NoError(t, err)
		ast.Inspect(tree, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if f, ok := call.Fun.(*ast.Ident); !ok || f.Name != "press" || len(call.Args) < 3 {
				return true
			}
			path := literal(call.Args[2])
			if path == "" {
				return true
			}
			spec, known := specs[path]
			require.True(t, known, "%s: %q is no command", set.Position(call.Pos()), path)
			names := func(a chat.Arg) bool { return a.Name == "incident" }
			require.True(t, !spec.Global || slices.ContainsFunc(spec.Flags, names), "%s: %s takes no --incident", set.Position(call.Pos()), path)
			for _, a := range call.Args[3:] {
				if name, is := strings.CutPrefix(literal(a), "--"); is && name != "" {
					require.True(t, slices.ContainsFunc(spec.Flags, func(f chat.Arg) bool { return f.Name == name }), "%s: %s has no option --%s", set.Position(call.Pos()), path, name)
				}
			}
			checked++
			return true
		})
	}
	require.Greater(t, checked, 30)
}

func literal(e ast.Expr) string {
	if l, ok := e.(*ast.BasicLit); ok && l.Kind == token.STRING {
		s, _ := strconv.Unquote(l.Value)
		return s
	}
	return ""
}

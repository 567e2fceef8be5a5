package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// album is where the pictures of a demo go: the directory that was asked for, or one
// of its own, which does not stay behind empty.
type album struct {
	dir string
	own bool
}

func openAlbum(dir string) (album, error) {
	own := dir == ""
	var err error
	if own {
		dir, err = os.MkdirTemp("", "allclear-demo-")
	} else {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return album{}, fmt.Errorf("make a directory for pictures: %w", err)
	}
	return album{dir, own}, nil
}

// close says what of its own is kept, "" when nothing is.
func (a album) close() string {
	if !a.own || os.Remove(a.dir) == nil { // a directory with something in it is not removed
		return ""
	}
	entries, err := os.ReadDir(a.dir)
	if err != nil || len(entries) == 0 {
		return ""
	}
	var paths []string
	for _, e := range entries {
		paths = append(paths, filepath.Join(a.dir, e.Name()))
	}
	return fmt.Sprintf("Kept: %s. All else was in memory, and is gone.", strings.Join(paths, ", "))
}

// drop keeps nothing.
func (a album) drop() {
	if a.own {
		_ = os.RemoveAll(a.dir)
	}
}

package embedded

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
)

// maxSocketPath is the shortest limit of the platforms (macOS: 104 bytes with the final zero).
const maxSocketPath = 103

// DefaultDir is where the platform keeps the data of a user's programs: $XDG_DATA_HOME or ~/.local/share,
// ~/Library/Application Support, or %LocalAppData%, with allclear behind it.
func DefaultDir() (string, error) {
	home, err := os.UserHomeDir()
	switch runtime.GOOS {
	case "windows":
		if d := os.Getenv("LocalAppData"); d != "" {
			return filepath.Join(d, "allclear"), nil
		}
		return "", errors.New("%LocalAppData% is not set")
	case "darwin":
		if err == nil {
			return filepath.Join(home, "Library", "Application Support", "allclear"), nil
		}
	default:
		// The specification says that a relative path must be ignored.
		if d := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(d) {
			return filepath.Join(d, "allclear"), nil
		}
		if err == nil {
			return filepath.Join(home, ".local", "share", "allclear"), nil
		}
	}
	return "", fmt.Errorf("no data directory: %w", err)
}

// SocketPath is where the process that owns dir listens: in dir, or in a directory of its own under the temporary one if
// that would be longer than a socket's path may be.
func SocketPath(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	p := filepath.Join(dir, "allclear.sock")
	if len(p) <= maxSocketPath {
		return p
	}
	sum := sha256.Sum256([]byte(dir))
	return filepath.Join(os.TempDir(), "allclear-"+hex.EncodeToString(sum[:8]), "s")
}

// ListenSocket listens on the local socket of the engine's directory, for Serve. Only the owner may connect; the socket is
// removed when the listener is closed.
func (e *Engine) ListenSocket() (net.Listener, error) {
	if e.lock == nil {
		return nil, errors.New("an engine in memory has no socket")
	}
	p := SocketPath(e.dir)
	if err := private(filepath.Dir(p), e.dir); err != nil {
		return nil, err
	}
	// Whose lock it is, owns the socket: one that is there was left by a process that was killed.
	if err := os.Remove(p); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("remove old socket: %w", err)
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "unix", p)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	if err := os.Chmod(p, 0o600); err != nil && runtime.GOOS != "windows" {
		return nil, errors.Join(fmt.Errorf("protect socket: %w", err), l.Close())
	}
	return l, nil
}

// DialSocket connects to the process that owns dir.
func DialSocket(ctx context.Context, dir string) (net.Conn, error) {
	p := SocketPath(dir)
	if parent, err := filepath.Abs(dir); err == nil && filepath.Dir(p) != parent {
		if err := private(filepath.Dir(p), dir); err != nil {
			return nil, err
		}
	}
	var d net.Dialer
	return d.DialContext(ctx, "unix", p)
}

// private makes a directory that only its owner may enter, unless it is dir itself. Nobody but the owner can change the
// mode, so a directory that somebody else put there is refused.
func private(parent, dir string) error {
	if abs, err := filepath.Abs(dir); err == nil && abs == parent {
		return nil
	}
	if err := os.Mkdir(parent, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("make socket directory: %w", err)
	}
	st, err := os.Lstat(parent)
	if err == nil && !st.IsDir() {
		err = errors.New("not a directory")
	}
	if err == nil {
		err = os.Chmod(parent, 0o700)
	}
	if err != nil {
		return fmt.Errorf("socket directory %s: %w", parent, err)
	}
	return nil
}

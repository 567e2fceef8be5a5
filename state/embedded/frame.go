package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// A frame is what one sync made durable:
//
//	length of payload   uint32, little endian
//	header checksum     crc32c of the frame's offset in the file (uint64) and the length
//	payload checksum    crc32c of the payload
//	payload             RESP commands, transactions between MULTI and EXEC
const (
	frameHeader = 12
	maxFrame    = 1 << 30
)

var (
	errEnd = errors.New("end of journal")
	errBad = errors.New("bad record")
)

func castagnoli(p []byte) uint32 { return crc32.Checksum(p, crc32.MakeTable(crc32.Castagnoli)) }

func headerSum(off int64, n uint32) uint32 {
	var b [12]byte
	binary.LittleEndian.PutUint64(b[:], uint64(off))
	binary.LittleEndian.PutUint32(b[8:], n)
	return castagnoli(b[:])
}

// appendFrame writes the frame of payload, which will stand at offset off of the file, to b.
func appendFrame(b []byte, off int64, payload []byte) []byte {
	n := uint32(len(payload))
	b = binary.LittleEndian.AppendUint32(b, n)
	b = binary.LittleEndian.AppendUint32(b, headerSum(off, n))
	b = binary.LittleEndian.AppendUint32(b, castagnoli(payload))
	return append(b, payload...)
}

// readFrame reads the frame at off of a file of the given size. The error is errEnd where nothing but zeros follow (space
// taken in advance), errBad with the reason for anything that is not a whole frame, or what the reader said.
func readFrame(r io.ReaderAt, off, size int64) (payload []byte, next int64, err error) {
	if off == size {
		return nil, off, errEnd
	}
	if size-off < frameHeader {
		return nil, off, endOrBad(r, off, size, "header cut short")
	}
	var h [frameHeader]byte
	if err := readFull(r, h[:], off); err != nil {
		return nil, off, err
	}
	n := binary.LittleEndian.Uint32(h[:])
	switch {
	case headerSum(off, n) != binary.LittleEndian.Uint32(h[4:]):
		return nil, off, endOrBad(r, off, size, "header checksum")
	case n == 0 || n > maxFrame:
		return nil, off, fmt.Errorf("%w: length %d", errBad, n)
	case int64(n) > size-off-frameHeader:
		return nil, off, fmt.Errorf("%w: payload cut short", errBad)
	}
	payload = make([]byte, n)
	if err := readFull(r, payload, off+frameHeader); err != nil {
		return nil, off, err
	}
	if castagnoli(payload) != binary.LittleEndian.Uint32(h[8:]) {
		return nil, off, fmt.Errorf("%w: payload checksum", errBad)
	}
	return payload, off + frameHeader + int64(n), nil
}

func readFull(r io.ReaderAt, p []byte, off int64) error {
	n, err := r.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	return fmt.Errorf("read at %d: %w", off, err)
}

func endOrBad(r io.ReaderAt, off, size int64, reason string) error {
	last, err := lastNonZero(r, off, size)
	switch {
	case err != nil:
		return err
	case last < off:
		return errEnd
	}
	return fmt.Errorf("%w: %s", errBad, reason)
}

// lastNonZero is the offset of the last byte from off on that is not zero, or off-1.
func lastNonZero(r io.ReaderAt, off, size int64) (int64, error) {
	buf := make([]byte, 64<<10)
	last := off - 1
	for at := off; at < size; at += int64(len(buf)) {
		b := buf[:min(int64(len(buf)), size-at)]
		if err := readFull(r, b, at); err != nil {
			return 0, err
		}
		for i, c := range b {
			if c != 0 {
				last = at + int64(i)
			}
		}
	}
	return last, nil
}

// frameAfter says whether any whole frame stands behind off: then the bad one at off is no torn tail.
func frameAfter(r io.ReaderAt, off, size int64) (bool, error) {
	const window = 1 << 20
	buf := make([]byte, window+frameHeader)
	for base := off + 1; base+frameHeader <= size; base += window {
		b := buf[:min(int64(len(buf)), size-base)]
		if err := readFull(r, b, base); err != nil {
			return false, err
		}
		for i := 0; i+frameHeader <= len(b) && i < window; i++ {
			at := base + int64(i)
			n := binary.LittleEndian.Uint32(b[i:])
			if n == 0 || int64(n) > size-at-frameHeader || headerSum(at, n) != binary.LittleEndian.Uint32(b[i+4:]) {
				continue
			}
			switch _, _, err := readFrame(r, at, size); {
			case err == nil:
				return true, nil
			case !errors.Is(err, errBad):
				return false, err
			}
		}
	}
	return false, nil
}

// tail is what a scan found behind the last whole frame.
type tail struct {
	end     int64  // offset behind the last whole frame
	dropped int64  // bytes of a torn record behind it
	reason  string // why that record is not whole
}

// scanFrames gives each frame to fn and says where the file ends. A bad frame that a whole one follows is a *CorruptError
// (its Path is left to the caller).
func scanFrames(r io.ReaderAt, size int64, fn func(off int64, payload []byte) error) (tail, error) {
	for off := int64(0); ; {
		payload, next, err := readFrame(r, off, size)
		switch {
		case err == nil:
			if err := fn(off, payload); err != nil {
				return tail{}, err
			}
			off = next
		case errors.Is(err, errEnd):
			return tail{end: off}, nil
		case errors.Is(err, errBad):
			return badTail(r, off, size, err)
		default:
			return tail{}, err
		}
	}
}

func badTail(r io.ReaderAt, off, size int64, bad error) (tail, error) {
	followed, err := frameAfter(r, off, size)
	if err != nil {
		return tail{}, err
	}
	if followed {
		return tail{}, &CorruptError{Offset: off, Reason: bad.Error() + " with whole records behind it"}
	}
	last, err := lastNonZero(r, off, size)
	if err != nil {
		return tail{}, err
	}
	return tail{end: off, dropped: last + 1 - off, reason: bad.Error()}, nil
}

package intake

import "cmp"

// Limits bound what reading a file may cost. Zero fields have defaults.
type Limits struct {
	Bytes   int64 // of the whole file: 4 GiB
	Record  int   // bytes of one record, row or element: 4 MiB; of a CSV row 1 MiB at most
	Columns int   // of a table: 256
	Depth   int   // of nesting: 64
}

const (
	maxCSVRow   = 1 << 20
	maxXMLToken = 1 << 20
	// chunk is how much is read at once, and so how far a bound may be overrun.
	chunk = 64 << 10
	// Texts that are kept of a finding, in runes.
	maxRule    = 60
	maxName    = 255
	maxExcerpt = 300
	maxCVEs    = 64 // of one finding
	maxNames   = 16 // of one place
)

func (l Limits) filled() Limits {
	l.Bytes = cmp.Or(l.Bytes, 4<<30)
	l.Record = cmp.Or(l.Record, 4<<20)
	l.Columns = cmp.Or(l.Columns, 256)
	l.Depth = cmp.Or(l.Depth, 64)
	return l
}

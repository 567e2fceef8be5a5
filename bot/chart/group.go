package chart

// group is one band of the picture, from the bottom, the worst, to the top.
type group int

const (
	compromised group = iota
	suspected
	exposed
	unknown
	contained
	inProgress
	ready
	excepted
	confirmed

	groups // how many there are
)

var groupNames = [groups]string{
	"Compromised", "Suspected", "Exposed", "Unknown", "Contained", "In progress", "Ready", "Excepted", "Confirmed",
}

// maxCount bounds a count so that sums cannot overflow and labels stay short.
const maxCount = 99_999_999

// tally is the counts of a point in the order of the bands.
type tally [groups]int

func (p Point) tally() tally {
	t := tally{
		p.Compromised, p.Suspected, p.Exposed, p.Unknown, p.Contained, p.InProgress, p.Ready, p.Excepted, p.Confirmed,
	}
	for i, n := range t {
		t[i] = min(max(n, 0), maxCount)
	}
	return t
}

// total is the number of servers in scope.
func (t tally) total() int {
	sum := 0
	for _, n := range t {
		sum += n
	}
	return sum
}

// left is the number of servers that are not confirmed.
func (t tally) left() int { return t.total() - t[confirmed] }

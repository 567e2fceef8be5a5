package chart

import (
	"bytes"
	"errors"
	cmdline "flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// show keeps the pictures, to be looked at: go test ./bot/chart -args -show /tmp.
var show = cmdline.String("show", "", "directory to write the pictures to")

var start = time.Date(2025, time.July, 20, 22, 30, 0, 0, time.UTC)

func berlin(tb testing.TB) *time.Location {
	tb.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	require.NoError(tb, err)
	return zone
}

// incident is three days of a response with a regression, the story of the demo.
func incident(tb testing.TB) BurnDown {
	tb.Helper()
	b := BurnDown{
		Title: "ToolShell: servers not yet proved remediated", Subtitle: "CVE-2025-53770, CVE-2025-53771 · all owners",
		Zone: berlin(tb), Points: []Point{{At: start, Unknown: 1180}},
	}
	for hour := 1; hour < 64; hour++ {
		p := Point{
			At:          start.Add(time.Duration(hour)*time.Hour + time.Duration(hour*hour*977%3000)*time.Second),
			Compromised: min(hour, max(3, 40-hour/2)),
			Suspected:   30 - hour/3,
			Exposed:     max(0, min(hour*60, 500-hour*9)),
			Unknown:     max(5, 1180-hour*90),
			Contained:   min(hour*4, max(12, 160-hour*2)),
			Ready:       min(40, hour),
			Excepted:    min(3, hour/10),
			Confirmed:   max(0, (hour-18)*25),
		}
		if hour > 44 {
			p.Confirmed -= 90
		}
		p.InProgress = max(0, 1204-p.tally().total())
		b.Points = append(b.Points, p)
	}
	b.Until = start.Add(67 * time.Hour)
	b.Marks = []Mark{
		{start.Add(20 * time.Hour), "fix line moved to 21 July"},
		{start.Add(22 * time.Hour), "second package out"},
		{start.Add(44*time.Hour + 30*time.Minute), "regression: 90 re-opened"},
		{start.Add(61 * time.Hour), "board reviewed"},
	}
	return b
}

// dense is far more points than there are pixels, with one glimpse of zero.
func dense(points int) BurnDown {
	r := rand.New(rand.NewSource(1))
	b := BurnDown{Title: "Dense", Theme: Dark}
	for i := range points {
		p := Point{At: start.Add(time.Duration(i) * 20 * time.Second), Compromised: r.Intn(3)}
		p.Confirmed = i*950/points + r.Intn(30)
		p.InProgress = 1000 - p.Confirmed - p.Compromised
		if i == points/2 {
			p = Point{At: p.At, Confirmed: 1000}
		}
		b.Points = append(b.Points, p)
	}
	for i := range 60 {
		b.Marks = append(b.Marks, Mark{start.Add(time.Duration(r.Intn(points*20)) * time.Second), fmt.Sprintf("event %d happened", i)})
	}
	return b
}

func pictures(tb testing.TB) map[string]BurnDown {
	tb.Helper()
	light := incident(tb)
	dark := light
	dark.Theme = Dark
	done := light
	done.Points = append(done.Points[:len(done.Points):len(done.Points)], Point{At: light.Until, Confirmed: 1204})
	done.Until = light.Until.Add(6 * time.Hour)
	done.Marks = append(done.Marks[:len(done.Marks):len(done.Marks)], Mark{light.Until.Add(5 * time.Hour), "ALL CLEAR"})
	hostile := light
	hostile.Title = "\x1b[31m<b>Evil</b> \u202e@everyone <!channel> 👍 漢字 שלום עולם " + strings.Repeat("long ", 5000)
	hostile.Subtitle = strings.Repeat("W", 1e5)
	hostile.Marks = []Mark{{start, hostile.Title}, {light.Until, hostile.Subtitle}, {time.Time{}, "nowhere"}, {start.Add(time.Hour), "\x00"}}
	return map[string]BurnDown{
		"light": light, "dark": dark, "done": done, "hostile": hostile, "dense": dense(20_000),
		"empty":      {},
		"one point":  {Title: "One", Points: []Point{{At: start, Unknown: 3, Confirmed: 1}}, Theme: Dark},
		"no servers": {Title: "None", Points: []Point{{At: start}}},
		"three":      {Title: "Three", Points: []Point{{At: start, Unknown: 3}, {At: start.Add(7 * time.Minute), Exposed: 1, Unknown: 2}}, Until: start.Add(time.Hour)},
		"zero time":  {Title: "Zero time", Points: []Point{{Unknown: 3}}},
		"ends of time": {Title: "Long", Theme: 99, Points: []Point{
			{At: time.Unix(0, 0), Unknown: 1 << 62, Ready: -1}, {At: time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), Compromised: 1},
		}},
		"all millions": {Points: []Point{
			{At: start, Compromised: 1e9, Suspected: 1e9, Exposed: 1e9, Unknown: 1e9, Contained: 1e9, InProgress: 1e9, Ready: 1e9, Excepted: 1e9, Confirmed: 1e9},
		}, Until: start.Add(900 * time.Hour)},
	}
}

func encode(tb testing.TB, b BurnDown) []byte {
	tb.Helper()
	var out bytes.Buffer
	require.NoError(tb, b.PNG(&out))
	return out.Bytes()
}

func picture(tb testing.TB, b BurnDown) image.Image {
	tb.Helper()
	img, err := png.Decode(bytes.NewReader(encode(tb, b)))
	require.NoError(tb, err)
	return img
}

func at(img image.Image, x, y int) color.RGBA {
	return color.RGBAModel.Convert(img.At(x, y)).(color.RGBA)
}

func TestPicturesAreSoundWhateverTheInput(t *testing.T) {
	t.Parallel()
	for name, b := range pictures(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := encode(t, b)
			require.Less(t, len(data), 256<<10, "bounded size")
			require.Equal(t, data, encode(t, b), "the same input gives the same bytes")
			if *show != "" {
				require.NoError(t, os.WriteFile(filepath.Join(*show, "chart-"+strings.ReplaceAll(name, " ", "-")+".png"), data, 0o600))
			}
			img, err := png.Decode(bytes.NewReader(data))
			require.NoError(t, err)
			require.Equal(t, image.Rect(0, 0, Width, Height), img.Bounds())
			requireFramed(t, img, b.Theme.palette().back)
		})
	}
}

// requireFramed fails when the picture is blank or something reaches its edge.
func requireFramed(t *testing.T, img image.Image, back color.RGBA) {
	t.Helper()
	const frame = 14
	inner, ink := img.Bounds().Inset(frame), 0
	for y := range Height {
		for x := range Width {
			if at(img, x, y) != back {
				ink++
				if !image.Pt(x, y).In(inner) {
					require.Failf(t, "clipped", "something is drawn at the edge: %d,%d", x, y)
				}
			}
		}
	}
	require.Greater(t, ink, 5000, "not blank")
}

func TestTheInputIsNotChanged(t *testing.T) {
	t.Parallel()
	b := incident(t)
	b.Points[0], b.Points[9] = b.Points[9], b.Points[0]
	want := append([]Point(nil), b.Points...)
	encode(t, b)
	require.Equal(t, want, b.Points)
}

func TestAStatusIsDrawnAsAStepAndOnlyAsFarAsItIsKnown(t *testing.T) {
	t.Parallel()
	b := BurnDown{Title: "Steps", Points: []Point{{At: start, Exposed: 100}, {At: start.Add(50 * time.Minute), Confirmed: 100}}}
	img, p := picture(t, b), Light.palette()
	left := margin + int(widest(countTicks(100, 300))) + 14
	last := left + newScale(b.series(), plotRight-left).column(start.Add(50*time.Minute))
	for x := left + 2; x < last-4; x++ {
		require.Equal(t, p.bands[exposed], at(img, x, 140), "nothing changed yet at %d", x)
	}
	require.Equal(t, p.bands[confirmed], at(img, last+4, 140))
	require.Equal(t, p.back, at(img, last+stub+1, 140), "nothing is known after the last point")
}

func TestOneCompromisedServerAmongManyIsSeen(t *testing.T) {
	t.Parallel()
	img := picture(t, BurnDown{Points: []Point{{At: start, Compromised: 1, Confirmed: 50_000}}, Until: start.Add(time.Hour)})
	require.Equal(t, Light.palette().bands[compromised], at(img, 500, plotBottom-2))
}

func TestNoServersIsNotShownAsAZero(t *testing.T) {
	t.Parallel()
	none := BurnDown{Points: []Point{{At: start}}}
	done := BurnDown{Points: []Point{{At: start, Confirmed: 1}}}
	headline := image.Rect(panelLeft, 110, Width, 190)
	require.Less(t, inked(picture(t, none), headline), inked(picture(t, done), headline)/2, "a dash, not a digit")
}

func inked(img image.Image, r image.Rectangle) int {
	n := 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			if at(img, x, y) != Light.palette().back {
				n++
			}
		}
	}
	return n
}

var errFull = errors.New("disk full")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestAFailingWriterIsReported(t *testing.T) {
	t.Parallel()
	require.ErrorIs(t, BurnDown{}.PNG(fullDisk{}), errFull)
}

func TestThemesHaveNames(t *testing.T) {
	t.Parallel()
	require.Equal(t, "light dark Theme(7)", fmt.Sprint(Light, Dark, Theme(7)))
}

func BenchmarkPNG(b *testing.B) {
	for name, picture := range map[string]BurnDown{"incident": incident(b), "dense": dense(100_000)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.SetBytes(int64(len(encode(b, picture))))
			}
		})
	}
}

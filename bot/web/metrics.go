package web

import (
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are what the process measures about itself. Its methods may be called by
// several goroutines. Every label comes from a list that is known before: what is
// not on it is counted as "other".
type Metrics struct {
	registry *prometheus.Registry
	labels   Labels

	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
	letters  *prometheus.CounterVec
	events   *prometheus.CounterVec
	handed   *prometheus.CounterVec
	slots    *prometheus.CounterVec
}

// Labels are all values that labels may have.
type Labels struct {
	Commands  []string // the paths of the commands
	Outcomes  []string // of requests
	Letters   []string // what became of letters
	Platforms []string
	Events    []string // what platforms count
	Slots     []string // what became of slots of the schedule
}

// Gauge is a number that is asked for when somebody looks. It must be cheap and
// bounded; ok is false when it is not known, and then it is not shown.
type Gauge struct {
	Name string // allclear_…
	Help string
	// Labels are constant, and from a list that is known before. Gauges of one name have the same.
	Labels map[string]string
	Read   func() (value float64, ok bool)
}

// NewMetrics makes metrics of a process of its own registry.
func NewMetrics(l Labels, gauges ...Gauge) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(), labels: l,
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "allclear_requests_total", Help: "Requests that were worked off, by command and outcome.",
		}, []string{"command", "outcome"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "allclear_request_seconds", Help: "How long commands ran, in seconds.", Buckets: []float64{.01, .05, .25, 1, 5, 30, 120, 600},
		}, []string{"command"}),
		letters: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "allclear_letters_total", Help: "Letters of the outbox, by what became of them.",
		}, []string{"outcome"}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "allclear_platform_events_total", Help: "What happened on the way to and from chat platforms.",
		}, []string{"platform", "event"}),
		handed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "allclear_evidence_documents_total", Help: "Documents of evidence that came over HTTP, by what became of them.",
		}, []string{"outcome"}),
		slots: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "allclear_slots_total", Help: "Slots of the schedule, by what became of them in this process.",
		}, []string{"outcome"}),
	}
	m.registry.MustRegister(m.requests, m.took, m.letters, m.events, m.handed, m.slots)
	for _, o := range l.Slots {
		m.slots.WithLabelValues(o) // so that a first one that is missed is seen as a change
	}
	m.Add(gauges...)
	return m
}

// Add adds gauges of what was made later, before anybody looks. Two of one name
// differ in their labels.
func (m *Metrics) Add(gauges ...Gauge) {
	for _, g := range gauges {
		m.registry.MustRegister(gauge{g, prometheus.NewDesc(g.Name, g.Help, nil, g.Labels)})
	}
}

// Done counts a request.
func (m *Metrics) Done(command, outcome string, took time.Duration) {
	command = known(m.labels.Commands, command)
	m.requests.WithLabelValues(command, known(m.labels.Outcomes, outcome)).Inc()
	m.took.WithLabelValues(command).Observe(took.Seconds())
}

// Letter counts a letter.
func (m *Metrics) Letter(outcome string) {
	m.letters.WithLabelValues(known(m.labels.Letters, outcome)).Inc()
}

// Event counts what a platform met.
func (m *Metrics) Event(platform, event string) {
	m.events.WithLabelValues(known(m.labels.Platforms, platform), known(m.labels.Events, event)).Inc()
}

// Slots counts slots of the schedule. It is what the schedule's Options.Count wants.
func (m *Metrics) Slots(outcome string, n int) {
	m.slots.WithLabelValues(known(m.labels.Slots, outcome)).Add(float64(max(0, n)))
}

func known(list []string, value string) string {
	if slices.Contains(list, value) {
		return value
	}
	return "other"
}

func (m *Metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: writeTimeout / 2})
}

// gauge is a collector that is silent about what is not known.
type gauge struct {
	Gauge
	desc *prometheus.Desc
}

func (g gauge) Describe(ch chan<- *prometheus.Desc) { ch <- g.desc }

func (g gauge) Collect(ch chan<- prometheus.Metric) {
	if v, ok := g.Read(); ok {
		ch <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, v)
	}
}

// Package web is what the process shows over HTTP: whether it lives, whether it
// can work, what it measures, and the endpoints of platforms that come over HTTP.
//
// Its promise: nothing here changes anything by itself, a slow or hostile client
// costs a bounded amount, and no label of a metric ever names a person, a channel
// or a server. It knows no platform and no store: it is told what to show. It is
// the only home of Prometheus.
package web

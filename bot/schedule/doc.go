// Package schedule turns slots of a timetable into requests.
//
// Its promises: of each slot of a job exactly one request comes into being, however
// many replicas look and whichever of them dies, because the job's cursor moves and
// the request is written down in one step of the store. A time table knows the clocks
// of its zone: what is due at an hour that the clocks skip is due when they have
// moved, and what is due at an hour that comes twice is due once. What never comes
// and what comes too often is refused when it is made. The package knows neither the
// process nor what a line does.
package schedule

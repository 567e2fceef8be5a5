package fleet

import (
	"archive/zip"
	"bufio"
	"fmt"
	"hash/fnv"
	"io"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/state"
)

const logFields = "#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n" +
	"#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken\n"

// logEvery is how often somebody asks a server for something harmless.
const logEvery = 20 * time.Minute

// LogWritten is where a server's log lies in the folder that WriteLogs fills.
func LogWritten(server string) string { return server + "/W3SVC1/u_ex2507.log" }

// WriteLogs writes a zip with the logs of a farm's servers, from the beginning of the
// campaign to a time. They tell the truth: a server on which an attacker was let him in
// on 18 July and answered his web shell; what is open to the internet and was not,
// refused him; what nobody could reach shows nothing. There is no body in a log, and
// nothing in it that could be used.
func (f *Fleet) WriteLogs(farm string, until time.Time, w io.Writer) error {
	fm, ok := f.byFarm[farm]
	if !ok {
		return fmt.Errorf("%w: %q", ErrNoFarm, farm)
	}
	z := zip.NewWriter(w)
	for _, s := range fm.servers {
		entry, err := z.Create(LogWritten(s.name))
		if err == nil {
			err = f.writeLog(s, until, entry)
		}
		if err != nil {
			return fmt.Errorf("write the log of %s: %w", s.name, err)
		}
	}
	return z.Close()
}

func (f *Fleet) writeLog(s *machine, until time.Time, w io.Writer) error {
	f.mu.RLock()
	attack := s.attackLines()
	f.mu.RUnlock()
	b := bufio.NewWriter(w)
	_, _ = b.WriteString(logFields)
	for t := campaignBegan(); t.Before(until); t = t.Add(logEvery) {
		for len(attack) > 0 && attack[0].at.Before(t) {
			attack[0].write(b)
			attack = attack[1:]
		}
		logged{t, "GET", "/SitePages/Home.aspx", "-", "10.20.0." + fmt.Sprint(t.Minute()), "Mozilla/5.0+(Windows+NT+10.0;+Win64;+x64)", "-", 200}.write(b)
	}
	return b.Flush()
}

// logged is one line of a log.
type logged struct {
	at                                         time.Time
	method, stem, query, client, agent, refers string
	status                                     int
}

func (l logged) write(b *bufio.Writer) {
	fmt.Fprintf(b, "%s 127.0.0.1 %s %s %s 443 - %s %s %s %d 0 0 31\n", l.at.UTC().Format(time.DateTime), l.method, l.stem, l.query, l.client, l.agent, l.refers, l.status)
}

// attackLines are what the wave of 18 July left in a server's log.
func (s *machine) attackLines() []logged {
	if !s.line.affected || len(s.leftFiles) == 0 && s.exposure != state.ExposureInternet {
		return nil
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(s.name))
	n := h.Sum32()
	at := time.Date(2025, 7, 18, 18, int(n%55), int(n%60), 0, time.UTC)
	source := fmt.Sprintf("198.51.100.%d", 10+n%14)
	agent := strings.ReplaceAll("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:120.0) Gecko/20100101 Firefox/120.0", " ", "+")
	status := 401
	if len(s.leftFiles) > 0 {
		status = 200
	}
	out := []logged{{at, "POST", "/_layouts/15/ToolPane.aspx", "DisplayMode=Edit&a=/ToolPane.aspx", source, agent, "/_layouts/SignOut.aspx", status}}
	for i, file := range s.leftFiles {
		out = append(out, logged{at.Add(time.Duration(i+1) * 4 * time.Second), "GET", "/_layouts/15/" + file, "-", source, agent, "/_layouts/SignOut.aspx", 200})
	}
	return out
}

package probe_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/checks/probe"
	"github.com/allclear-bot/allclear/state"
)

// The benchmarks compare a scan with the floor: hand-made GETs over crypto/tls
// with keep-alive, asking the same questions. Fleet, floor and scan are processes
// of their own, so that each one's CPU and memory is its own:
//
//	ALLCLEAR_BENCH_SERVERS=8000 go test -run '^$' -bench Scan -benchtime 3x ./checks/probe
const (
	envRole    = "ALLCLEAR_BENCH_ROLE"
	envJob     = "ALLCLEAR_BENCH_JOB"
	envServers = "ALLCLEAR_BENCH_SERVERS"
	envWorkers = "ALLCLEAR_BENCH_WORKERS"
)

// job is what a process of a benchmark is told.
type job struct {
	Servers, Port int
	Workers       int // of the scan; 0: the runner's default
	Floor         int // workers of the floor, at its best
	Latency       time.Duration
	Hanging       int // one in so many never answers; 0: none
}

// cost is what it answers.
type cost struct {
	Wall, CPU time.Duration
	PeakMB    float64
	Answered  int // servers whose version was read
}

func BenchmarkScanNear(b *testing.B) { benchmark(b, job{Floor: 128}) }

func BenchmarkScanFarWithHanging(b *testing.B) {
	benchmark(b, job{Floor: 512, Latency: 50 * time.Millisecond, Hanging: 100})
}

func benchmark(b *testing.B, j job) {
	b.Helper()
	j.Servers = envInt(envServers, 400)
	j.Workers = envInt(envWorkers, j.Workers)
	j.Port = startFleet(b, j)
	var floor, scan cost
	for b.Loop() {
		floor.add(runRole(b, "floor", j))
		scan.add(runRole(b, "scan", j))
	}
	want := j.Servers
	if j.Hanging > 0 {
		want -= (j.Servers + j.Hanging - 1) / j.Hanging
	}
	require.Equal(b, want*b.N, floor.Answered)
	require.Equal(b, want*b.N, scan.Answered, "servers were lost")
	b.ReportMetric(float64(scan.Wall)/float64(floor.Wall), "wall/floor")
	b.ReportMetric(float64(scan.CPU)/float64(floor.CPU), "cpu/floor")
	b.ReportMetric(scan.PeakMB, "peak-MB")
	b.ReportMetric(floor.PeakMB, "floor-peak-MB")
	b.ReportMetric(float64(floor.Wall.Milliseconds())/float64(b.N), "floor-ms")
}

func (c *cost) add(o cost) {
	c.Wall, c.CPU, c.Answered, c.PeakMB = c.Wall+o.Wall, c.CPU+o.CPU, c.Answered+o.Answered, max(c.PeakMB, o.PeakMB)
}

func envInt(name string, otherwise int) int {
	n, _ := strconv.Atoi(os.Getenv(name))
	return cmp.Or(n, otherwise)
}

func command(b *testing.B, role string, j job) *exec.Cmd {
	b.Helper()
	data, err := json.Marshal(j)
	require.NoError(b, err)
	cmd := exec.CommandContext(b.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), envRole+"="+role, envJob+"="+string(data))
	cmd.Stderr = os.Stderr
	return cmd
}

func startFleet(b *testing.B, j job) int {
	b.Helper()
	cmd := command(b, "fleet", j)
	in, err := cmd.StdinPipe()
	require.NoError(b, err)
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	b.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() }) // it ends with its input
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(b, err)
	port, err := strconv.Atoi(strings.TrimSpace(line))
	require.NoError(b, err)
	return port
}

func runRole(b *testing.B, role string, j job) cost {
	b.Helper()
	out, err := command(b, role, j).Output()
	require.NoError(b, err)
	var c cost
	require.NoError(b, json.Unmarshal(out, &c))
	return c
}

// play is the main function of the processes.
func play(role string) int {
	var j job
	if err := json.Unmarshal([]byte(os.Getenv(envJob)), &j); err != nil {
		return 2
	}
	switch role {
	case "fleet":
		return playFleet(j)
	case "floor":
		measure(func() int { return playFloor(j) })
	case "scan":
		measure(func() int { return playScan(j) })
	}
	return 0
}

func measure(f func() int) {
	began := time.Now()
	answered := f()
	wall := time.Since(began)
	cpu, peak := used()
	_ = json.NewEncoder(os.Stdout).Encode(cost{wall, cpu, peak, answered})
}

func benchHost(i int) string { return fmt.Sprintf("sp%05d.test", i) }

// playScan is the scan as the program would do it.
func playScan(j job) int {
	var servers []state.Server
	for i := range j.Servers {
		name := benchHost(i)
		servers = append(servers, state.Server{Name: name, Farm: name, URL: fmt.Sprintf("https://%s:%d/", name, j.Port), Addresses: []string{"127.0.0.1"}})
	}
	answered := 0
	runner := checks.NewRunner(checks.Options{Concurrency: j.Workers, Answer: 5 * time.Second})
	sum := runner.Run(context.Background(), probe.New(checks.Plan{Rules: rules(), Observers: observers()}), checks.Targets(servers), func(r checks.Result) {
		if r.Judgement.Verdict == state.VerdictVulnerable {
			answered++
		}
	})
	if !sum.Complete {
		return -1
	}
	return answered
}

// playFloor asks the same questions with nothing around them.
func playFloor(j job) int {
	var next, answered atomic.Int64
	var wg sync.WaitGroup
	for range j.Floor {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= j.Servers {
					return
				}
				for range 2 {
					if floorAsk(j, benchHost(i)) {
						answered.Add(1)
						break
					}
				}
			}
		})
	}
	wg.Wait()
	return int(answered.Load())
}

func floorAsk(j job, host string) bool {
	raw, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", j.Port), 5*time.Second)
	if err != nil {
		return false
	}
	defer raw.Close()
	_ = raw.SetDeadline(time.Now().Add(5 * time.Second))
	c := tls.Client(raw, &tls.Config{ServerName: host, InsecureSkipVerify: true, CurvePreferences: []tls.CurveID{tls.X25519}})
	if c.Handshake() != nil {
		return false
	}
	br := bufio.NewReader(c)
	for _, o := range observers() {
		_ = raw.SetDeadline(time.Now().Add(5 * time.Second))
		if _, err := io.WriteString(c, "GET "+o.Path+" HTTP/1.1\r\nHost: "+host+"\r\n\r\n"); err != nil {
			return false
		}
		length := 0
		for {
			line, err := br.ReadSlice('\n')
			if err != nil {
				return false
			}
			if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
				length, _ = strconv.Atoi(string(bytes.TrimSpace(v)))
			}
			if len(line) <= 2 {
				break
			}
		}
		if _, err := br.Discard(length); err != nil {
			return false
		}
	}
	return true
}

// playFleet answers for all servers on one listener, by the name that TLS gives.
func playFleet(j job) int {
	config, err := fleetTLS(j)
	if err != nil {
		return 1
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 1
	}
	fmt.Println(l.Addr().(*net.TCPAddr).Port)
	go func() { _, _ = io.Copy(io.Discard, os.Stdin); _ = l.Close() }()
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return 0
		}
		if err == nil {
			go fleetServe(tls.Server(&slow{Conn: c, by: j.Latency}, config))
		}
	}
}

// slow waits before it answers what it has read.
type slow struct {
	net.Conn
	by   time.Duration
	read bool
}

func (s *slow) Read(p []byte) (int, error) {
	s.read = true
	return s.Conn.Read(p)
}

func (s *slow) Write(p []byte) (int, error) {
	if s.read && s.by > 0 {
		time.Sleep(s.by)
	}
	s.read = false
	return s.Conn.Write(p)
}

func fleetTLS(j job) (*tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"*.test"}}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, SessionTicketsDisabled: true}
	config.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		var n int
		if _, err := fmt.Sscanf(h.ServerName, "sp%d.test", &n); err == nil && j.Hanging > 0 && n%j.Hanging == 0 {
			time.Sleep(time.Minute)
		}
		return nil, nil
	}
	return config, nil
}

func fleetServe(c net.Conn) {
	defer c.Close()
	br := bufio.NewReader(c)
	for {
		path := ""
		for {
			line, err := br.ReadString('\n')
			if err != nil {
				return
			}
			if path == "" {
				path = strings.Fields(line)[1]
			}
			if len(line) <= 2 {
				break
			}
		}
		status, body := "404 Not Found", "<html>404 NOT FOUND</html>"
		switch path {
		case "/":
			status, body = "200 OK", "<html>"+strings.Repeat("Welcome. ", 200)+"</html>"
		case "/_vti_pvt/service.cnf":
			status, body = "200 OK", "vti_encoding:SR|utf8-nl\r\nvti_extenderversion:SR|16.0.0.5508\r\n"
		}
		_, err := fmt.Fprintf(c, "HTTP/1.1 %s\r\nServer: Microsoft-IIS/10.0\r\nX-Powered-By: ASP.NET\r\nMicrosoftSharePointTeamServices: 16.0.0.5508\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
		if err != nil {
			return
		}
	}
}

package discord

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"

	"github.com/allclear-bot/allclear/bot"
)

// gateway is what is known of our session with Discord. One goroutine uses it.
type gateway struct {
	p          *Platform
	session    string // "": there is none to resume
	resumeAt   string
	seq        int64
	identified time.Time
}

// farewell is why a connection ended.
type farewell struct {
	code  int   // of Discord, 0 when it gave none
	err   error // without anything that Discord wrote
	fatal bool  // no waiting cures it
}

func (f farewell) Error() string {
	if f.code != 0 {
		return fmt.Sprintf("%s (%d)", f.err, f.code)
	}
	return f.err.Error()
}

// runGateway keeps a connection to Discord until the context ends.
func (p *Platform) runGateway(ctx context.Context) error {
	g := &gateway{p: p}
	for attempt := 0; ctx.Err() == nil; attempt++ {
		if !bot.Pause(ctx, bot.Backoff(attempt, p.tune.first, p.tune.most)) {
			return nil
		}
		began := time.Now()
		bye := g.connect(ctx)
		if ctx.Err() != nil {
			return nil
		}
		p.links.Trouble(bye)
		if bye.fatal {
			return fmt.Errorf("discord: %w", bye)
		}
		p.opt.Count("disconnected")
		p.opt.Logger.Info("discord: a connection ended", "reason", bye.err, "code", bye.code, "resumable", g.session != "")
		if time.Since(began) >= p.tune.steady {
			attempt = -1
		}
	}
	return nil
}

// address is where to connect. It waits when no session can be begun now.
func (g *gateway) address(ctx context.Context) (string, error) {
	if g.session != "" && g.resumeAt != "" {
		return g.resumeAt, nil
	}
	ctx, cancel := context.WithTimeout(ctx, errandTime)
	defer cancel()
	var said discordgo.GatewayBotResponse
	if err := g.p.rest.call(ctx, "GET", "gateway/bot", nil, &said); err != nil {
		return "", err
	}
	return said.URL, nil
}

// connect opens a connection and stays with it until it ends.
func (g *gateway) connect(ctx context.Context) farewell {
	base, err := g.address(ctx)
	if err != nil {
		g.p.opt.Count("connection failed")
		bot.Pause(ctx, patience(err))
		return farewell{err: fmt.Errorf("no address: %w", hushed(err)), fatal: refusedToken(err)}
	}
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "wss" && u.Scheme != "ws" || u.Host == "" {
		g.forget()
		return farewell{err: errors.New("an address that is none")}
	}
	u.RawQuery = "v=10&encoding=json"
	opening, cancel := context.WithTimeout(ctx, errandTime)
	defer cancel()
	ws, resp, err := g.p.opt.Dialer.DialContext(opening, u.String(), nil)
	if resp != nil && resp.Body != nil {
		_ = resp.Body.Close()
	}
	if err != nil {
		g.p.opt.Count("connection failed")
		g.resumeAt = "" // ask anew where to go
		return farewell{err: errors.New("it cannot be reached")}
	}
	ws.SetReadLimit(maxFrame)
	return (&conn{g: g, ws: ws, token: "Bot " + g.p.opt.Token}).run(ctx)
}

// maxFrame is how large an event may be, in bytes: a large guild is told in one.
const maxFrame = 64 << 20

// forget ends the session: the next connection begins a new one.
func (g *gateway) forget() { g.session, g.resumeAt, g.seq = "", "", 0 }

// closed is what becomes of the session when Discord closes the connection
// (docs.discord.com/developers/topics/opcodes-and-status-codes#gateway).
func (g *gateway) closed(err error) farewell {
	var said *websocket.CloseError
	if !errors.As(err, &said) {
		return farewell{err: errors.New("it broke")}
	}
	f := farewell{code: said.Code, err: errors.New("it was closed")}
	switch said.Code {
	case 4004:
		f.fatal, f.err = true, errors.New("the token of the bot is refused")
	case 4010, 4011:
		f.fatal, f.err = true, errors.New("the bot is in more guilds than one connection takes")
	case 4012:
		f.fatal, f.err = true, errors.New("this version of the gateway is not known any more")
	case 4013, 4014:
		f.fatal, f.err = true, errors.New("an intent is not allowed for this application")
	case 4003, 4005, 4007, 4009, websocket.CloseNormalClosure, websocket.CloseGoingAway:
		g.forget()
	}
	return f
}

// tune are the waits of connections. Tests have less patience.
type tune struct {
	hello    time.Duration // until a new connection says hello
	identify time.Duration // between two sessions that are begun: Discord takes one in 5 s
	invalid  time.Duration // after an invalid session, up to so long again on top
	first    time.Duration // before the second attempt; the first is made at once
	most     time.Duration // between two attempts
	steady   time.Duration // a connection that lived so long starts the count anew
}

func patient() tune {
	return tune{
		hello: 10 * time.Second, identify: 5500 * time.Millisecond, invalid: 1500 * time.Millisecond,
		first: 500 * time.Millisecond, most: 30 * time.Second, steady: 10 * time.Second,
	}
}

// frame is what goes over a connection.
type frame struct {
	Op   int             `json:"op"`
	Data json.RawMessage `json:"d"`
	Seq  *int64          `json:"s"`
	Type string          `json:"t"`
}

package checks

import "strings"

// denial is a shape of a path or query that is never asked for, and why.
type denial struct{ shape, why string }

// Why a shape is denied, as a reader of an error is told.
const (
	likeAttack = "it looks like the attack"
	asSecret   = "it could fetch a secret"
	actsOn     = "it could change something"
	injects    = "it leads out of its folder or injects something"
)

// denied are shapes that belong to an attack, fetch what nobody should have, or
// do more than look. Even asking for such a page leaves lines in a log that
// detection rules take for the attack. No path of a playbook and no redirect gets
// by them, however it is spelled. They are of all campaigns that are known here.
var denied = []denial{
	// SharePoint: ToolShell, and the sign-in of CVE-2026-50522.
	{"toolpane", likeAttack},
	{"displaymode=edit", likeAttack},
	{"__viewstate", likeAttack},
	{"webpart=", likeAttack},
	{"signout.aspx", likeAttack},
	{"/_trust", likeAttack},
	// Exchange: ProxyLogon, ProxyShell, ProxyNotShell and OWASSRF.
	{"autodiscover.json", likeAttack},
	{"/powershell", likeAttack},
	{"x-rps-cat", likeAttack},
	{"/mapi/nspi", likeAttack},
	{"proxylogon", likeAttack},
	// NetScaler: both CitrixBleeds, CVE-2023-3519 and CVE-2019-19781.
	{"doauthentication.do", likeAttack},
	{"startwebview.do", likeAttack},
	{"openid-configuration", likeAttack},
	{"formssso", likeAttack},
	{"/vpns/", likeAttack},
	// Any product.
	{"/..", injects},
	{"..;", injects},
	{"\\", injects},
	{"${", injects},
	{"jndi:", injects},
	{"<script", injects},
	{"/etc/passwd", asSecret},
	{"web.config", asSecret},
	{"appsettings.json", asSecret},
	{"wp-config", asSecret},
	{"ns.conf", asSecret},
	{"heapdump", asSecret},
	{"id_rsa", asSecret},
	{".htpasswd", asSecret},
	{"/.git", asSecret},
	{"/.env", asSecret},
	{"/.ssh", asSecret},
	{"/.aws", asSecret},
	{"/logout", actsOn},
	{"/logoff", actsOn},
	{"/shutdown", actsOn},
	{"/reboot", actsOn},
}

// Denied says why a path, with its query if it has one, is never asked for; ""
// when nothing is known against it. It looks behind every encoding. The client
// refuses what is denied whoever asks; who writes requests down learns it here.
func Denied(path string) string {
	for range maxDecode {
		if d := denialOf(path); d.why != "" {
			return d.why + " (" + d.shape + ")"
		}
		next := decode(path)
		if next == path {
			return ""
		}
		path = next
	}
	return "it hides what it is"
}

// denialOf is the first denial that matches a path as it is spelled.
func denialOf(path string) denial {
	var b strings.Builder
	for i := range len(path) {
		if c := path[i]; c > ' ' { // IIS drops none of them, but others do
			b.WriteByte(c)
		}
	}
	low := strings.ToLower(b.String())
	for _, d := range denied {
		if strings.Contains(low, d.shape) {
			return d
		}
	}
	return denial{}
}

package commands

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks/fleet"
	"github.com/allclear-bot/allclear/state"
)

func TestAnInventoryIsReadWhateverItsOrderAndLineEnds(t *testing.T) {
	t.Parallel()
	want := []state.Server{
		{
			Name: "sp-fin-01", URL: "https://fin.example.com/", Addresses: []string{"192.0.2.1", "192.0.2.2"}, Via: "lb01", Farm: "fin",
			Owner: "Alice", Group: "EMEA ops", Exposure: state.ExposureInternet, Tags: map[string]string{"role": "web", "site": "New York", "rack": "7"},
		},
		{Name: "sp-fin-02", Farm: "sp-fin-02"},
	}
	plain := "Name,URL,addresses,via,farm,owner,group,exposure,tags,rack\n" +
		"sp-fin-01,https://fin.example.com/,192.0.2.1;192.0.2.2,lb01,fin,Alice,EMEA ops,Internet,role=web;site=New York,7\n" +
		"sp-fin-02,,,,,,,,,\n"
	for _, c := range []struct{ name, text string }{
		{"plain", plain},
		{"byte order mark and CRLF", "\xef\xbb\xbf" + strings.ReplaceAll(plain, "\n", "\r\n")},
		{"only carriage returns", strings.ReplaceAll(plain, "\n", "\r")},
		{"another order", "rack,tags,exposure,group,owner,farm,via,addresses,url,name\n" +
			"7,role=web;site=New York,internet,EMEA ops,Alice,fin,lb01,192.0.2.1 192.0.2.2,https://fin.example.com/,sp-fin-01\n,,,,,,,,,sp-fin-02\n"},
		{"semicolons", "name;url;addresses;via;farm;owner;group;exposure;site;role;rack\n" +
			"sp-fin-01;https://fin.example.com/;192.0.2.1 192.0.2.2;lb01;fin;Alice;EMEA ops;internet;New York;web;7\nsp-fin-02;;;;;;;;;;\n"},
		{"quotes and blank rows", "name,url,addresses,via,farm,owner,group,exposure,tags,rack\n" +
			`"sp-fin-01","https://fin.example.com/","192.0.2.1; 192.0.2.2",lb01,fin,"Alice","EMEA ops",internet,"role=web;site=New York",7` + "\n\nsp-fin-02,,,,,,,,,\n,,,,,,,,,\n"},
	} {
		got, err := ParseInventory([]byte(c.text))
		require.NoError(t, err, c.name)
		require.Equal(t, want, got, c.name)
	}
}

func TestTheNameOfAURLDependsOnItsOwnLineAlone(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"https://A.example/x": "a.example", "https://a.example:443": "a.example", "http://a.example:80/": "a.example",
		"https://a.example:8443": "a.example:8443", "http://a.example:443": "a.example:443", "https://[2001:db8::1]:8443/": "[2001:db8::1]:8443", "https://[2001:db8::1]": "2001:db8::1",
	} {
		alone, err := ParseInventory([]byte(raw + "\n"))
		require.NoError(t, err, raw)
		require.Equal(t, want, alone[0].Name)
		beside, err := ParseInventory([]byte("https://a.example:9000\n" + raw + "\nhttps://[2001:db8::1]:9000\n"))
		require.NoError(t, err, raw)
		require.Equal(t, want, beside[1].Name)
		require.Equal(t, want, beside[1].Farm)
	}
	_, err := ParseInventory([]byte("https://a.example/x\nhttps://a.example/y\n"))
	require.ErrorContains(t, err, `line 2: "a.example" is in line 1 already ("a.example"); a URL is named after its host: to have both, give them names (CSV: name,url)`)
}

func TestAListOfURLsIsAnInventory(t *testing.T) {
	t.Parallel()
	got, err := ParseInventory([]byte("# ours\nhttps://SP1.example.com/sites/a\n\nhttp://127.0.0.1:8001\nhttp://127.0.0.1:8002/\n"))
	require.NoError(t, err)
	require.Equal(t, []state.Server{
		{Name: "sp1.example.com", URL: "https://SP1.example.com/sites/a", Farm: "sp1.example.com"},
		{Name: "127.0.0.1:8001", URL: "http://127.0.0.1:8001", Farm: "127.0.0.1:8001"},
		{Name: "127.0.0.1:8002", URL: "http://127.0.0.1:8002/", Farm: "127.0.0.1:8002"},
	}, got)
}

func TestAllThatIsWrongWithAnInventoryIsToldWithItsLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"empty", " \n ", []string{"the inventory is empty"}},
		{"UTF-16", "\xff\xfen\x00a\x00", []string{"the inventory is UTF-16: save it as UTF-8"}},
		{"UTF-16 without a mark", "n\x00a\x00", []string{"the inventory has zero bytes in it: it is not text, or it is UTF-16; save it as UTF-8"}},
		{"no header", "sp-1,10.0.0.1\n", []string{"line 1: there is no header with a column name or url; want name,url,addresses,via,farm,owner,group,exposure,tags, or one URL a line"}},
		{"a column twice", "name,Name\n", []string{`line 1, column 6: the column "name" is there twice`}},
		{"many at once", "name,url,exposure\na,https://u:secret@a.example/,internet\nb,b.example,intern\nA,,\n c d,,\ne,\n-f,,\n", []string{
			"line 2: the URL has a user name or password in it: take it out",
			`line 3: "b.example" is not a URL: write https://b.example`,
			`line 3, column 13: exposure cannot be "intern"; did you mean internet?`,
			`line 4: "A" is in line 2 already ("a")`,
			`line 5: the name "c d" has a space, a quote or a backslash in it`,
			"line 6: has 2 columns, the header has 3",
			`line 7: the name "-f" begins with "-"`,
		}},
		{"addresses", "name,addresses\na,10.0.0.1;lb\n", []string{`line 2: "lb" is not an IP address`}},
		{"a quote that never ends", "name,owner\na,\"x\nb,y\n", []string{"line 2: a quote is opened here and never closed as it should be (line 3)"}},
		{"a quote within", "name,owner\na,x\"y\nb,ok\nb,ok\n", []string{"line 2, column 4: a quote stands where none can be", `line 4: "b" is in line 3 already ("b")`}},
		{"farms in two spellings", "name,farm\na,Fin\nb,fin\n", []string{`line 3: farm "fin" is spelled "Fin" in line 2: servers of a farm must agree`}},
		{"what cannot be seen", "name,owner\na,x\u202ey\nb\u200b,z\n", []string{`line 2: the owner "x·y" has a character in it that cannot be seen`, `line 3: the name "b·" has a character in it that cannot be seen`}},
		{"rows without a header", "https://a.example,10.0.0.1\nhttps://b.example/ x\nhttps://c(d/\n", []string{
			"line 1: the URL has a comma in its host: if this is CSV, its first line must name the columns", "line 2: the URL has a space in it",
			"line 3: the host of the URL has a character in it that no name has",
		}},
		{"URLs", "https://a.example/\nftp://b.example/\nhttps://A.example/x\n", []string{
			`line 2: the URL cannot be asked: a URL must begin with http:// or https://`, `line 3: "a.example" is in line 1 already ("a.example"); a URL is named after its host: to have both, give them names (CSV: name,url)`,
		}},
	} {
		got, err := ParseInventory([]byte(c.text))
		require.Nil(t, got, c.name)
		require.Error(t, err, c.name)
		require.Equal(t, c.want, strings.Split(err.Error(), "\n"), c.name)
	}
}

func TestTheProblemsOfAnInventoryAreBounded(t *testing.T) {
	t.Parallel()
	_, err := ParseInventory([]byte("name\n" + strings.Repeat("a b\n", 500)))
	var problems InventoryProblems
	require.ErrorAs(t, err, &problems)
	require.Len(t, problems, maxInventoryProblems+1)
	require.Contains(t, problems[maxInventoryProblems].Text, "more problems")
}

func TestAnInventoryThatWasWrittenIsReadBack(t *testing.T) {
	t.Parallel()
	f, err := fleet.New(fleet.Options{Servers: 300, Port: 8443})
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, f.WriteInventory(&b))
	got, err := ParseInventory(b.Bytes())
	require.NoError(t, err)
	require.Equal(t, []state.Server(f.Inventory()), got)
}

func FuzzParseInventory(f *testing.F) {
	f.Add([]byte("name,url,addresses,via,farm,owner,group,exposure,tags\na,https://a.example/,10.0.0.1,,F,o,g,internal,k=v\n"))
	f.Add([]byte("https://a.example/\nhttps://b.example/\n"))
	f.Add([]byte("\xef\xbb\xbfname;x\r\n\"a\";1\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		servers, err := ParseInventory(data)
		if err != nil {
			var problems InventoryProblems
			require.ErrorAs(t, err, &problems)
			require.Nil(t, servers)
			return
		}
		seen := map[string]bool{}
		for _, s := range servers {
			require.Empty(t, badServer(s))
			require.NotEmpty(t, s.Farm)
			require.False(t, seen[strings.ToLower(s.Name)], s.Name)
			seen[strings.ToLower(s.Name)] = true
		}
	})
}

func TestAMisspeltColumnIsNeverATag(t *testing.T) {
	t.Parallel()
	for given, meant := range map[string]string{"adresses": "addresses", "ulr": "url", "nmae": "name", "Exposrue": "exposure", "onwer": "owner", "grup": "group"} {
		_, err := ParseInventory([]byte("name," + given + "\na,b\n"))
		require.ErrorContains(t, err, "did you mean "+meant+"?", given)
	}
	servers, err := ParseInventory([]byte("name,url,role,site,tier\na,,web,x,1\n"))
	require.NoError(t, err)
	require.Len(t, servers[0].Tags, 3)
}

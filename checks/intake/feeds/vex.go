package feeds

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// VEX is what a document about the exploitability of products is made from: the rules
// of a playbook, and nothing about anybody's servers.
type VEX struct {
	ID    string // of the document
	Rules state.Rules
	First time.Time // when the first version was made
	Made  time.Time
	TLP   state.TLP
}

// vexProduct is one range of builds, with what the rules say of it.
type vexProduct struct {
	id, name, from, below, fixed, note string
	affected                           bool
}

func (v VEX) products() []vexProduct {
	var out []vexProduct
	for i, p := range v.Rules.Products {
		for j, b := range p.Branches {
			x := vexProduct{id: fmt.Sprintf("P%d-%d", i+1, j+1), name: p.Name, from: b.From.String(), below: b.Below.String(), note: p.Note, affected: p.Affected}
			if !b.Fixed.IsZero() {
				x.fixed = b.Fixed.String()
			}
			out = append(out, x)
		}
	}
	return out
}

// what names the range that is affected, or is not.
func (p vexProduct) what() string {
	return line1(fmt.Sprintf("%s from %s to below %s", p.name, p.from, cmp.Or(p.fixed, p.below)))
}

func (p vexProduct) action() string {
	if p.fixed == "" {
		return line1("No fix exists: disconnect and replace it. " + p.note)
	}
	return line1(fmt.Sprintf("Install %s or later. The update alone does not end a compromise: follow the playbook's steps.", p.fixed))
}

func (p vexProduct) impact() string {
	return line1(cmp.Or(p.note, "This product answers like those that are affected, and is not one of them."))
}

// WriteCSAF writes a CSAF 2.0 document of the profile VEX. The schema and the model
// have accepted it.
func (v VEX) WriteCSAF(from Publisher) ([]byte, error) {
	tlp, ok := label(v.TLP)
	if !ok {
		return nil, fmt.Errorf("CSAF 2.0 has no name for %s", v.TLP)
	}
	history := []object{{"date": v.First.UTC().Format(time.RFC3339), "number": "1", "summary": "First version"}}
	if v.Rules.Revision > 1 {
		history = append(history, object{"date": v.Made.UTC().Format(time.RFC3339), "number": "2", "summary": fmt.Sprintf("By revision %d of the playbook", v.Rules.Revision)})
	}
	last := history[len(history)-1]
	doc := object{"document": object{
		"category": "csaf_vex", "csaf_version": "2.0", "lang": "en", "title": line1("VEX: " + v.Rules.Title),
		"distribution": object{"tlp": object{"label": tlp, "url": "https://www.first.org/tlp/"}},
		"publisher": object{
			"category": "user", "name": cmp.Or(from.Name, "allclear"), "namespace": cmp.Or(from.Namespace, "https://github.com/allclear-bot/allclear"),
		},
		"tracking": object{
			"id": v.ID, "status": "final", "version": last["number"], "initial_release_date": history[0]["date"],
			"current_release_date": last["date"], "revision_history": history,
		},
		"notes": []object{{"category": "general", "title": "What this says, and what not", "text": v.disclaimer()}},
	}}
	tree, status, remedies, threats := v.tree()
	if len(tree) == 0 || len(v.Rules.CVEs) == 0 {
		return nil, fmt.Errorf("playbook %s revision %d names no CVE or no product: there is nothing to say of any", v.Rules.Playbook, v.Rules.Revision)
	}
	doc["product_tree"] = object{"branches": tree}
	var all []object
	for _, cve := range v.Rules.CVEs {
		vuln := object{"cve": cve, "product_status": status, "notes": []object{{"category": "description", "text": line1(v.Rules.Title)}}}
		if len(remedies) > 0 {
			vuln["remediations"] = remedies
		}
		if len(threats) > 0 {
			vuln["threats"] = threats
		}
		all = append(all, vuln)
	}
	doc["vulnerabilities"] = all
	return validated(doc)
}

func (v VEX) disclaimer() string {
	return fmt.Sprintf("By revision %d of the playbook %s. It is about products and their builds, not about any server: a fixed build does not prove that a server is remediated.", v.Rules.Revision, checks.Clean(v.Rules.Playbook, 80))
}

func (v VEX) tree() (tree []object, status object, remedies, threats []object) {
	ids := map[string][]string{}
	for _, p := range v.products() {
		kids := []object{{
			"category": "product_version_range", "name": fmt.Sprintf("vers:generic/>=%s|<%s", p.from, cmp.Or(p.fixed, p.below)),
			"product": object{"product_id": p.id, "name": p.what()},
		}}
		switch {
		case !p.affected:
			ids["known_not_affected"] = append(ids["known_not_affected"], p.id)
			threats = append(threats, object{"category": "impact", "details": p.impact(), "product_ids": []string{p.id}})
		default:
			category := "none_available"
			if p.fixed != "" {
				category = "vendor_fix"
				kids = append(kids, object{
					"category": "product_version", "name": p.fixed, "product": object{"product_id": p.id + "-fixed", "name": line1(p.name + " " + p.fixed)},
				})
				ids["fixed"] = append(ids["fixed"], p.id+"-fixed")
			}
			ids["known_affected"] = append(ids["known_affected"], p.id)
			remedies = append(remedies, object{"category": category, "details": p.action(), "product_ids": []string{p.id}})
		}
		tree = append(tree, object{"category": "product_name", "name": line1(p.name + " " + p.from), "branches": kids})
	}
	status = object{}
	for k, list := range ids {
		status[k] = list
	}
	return tree, status, remedies, threats
}

// openVEX and its parts are of the OpenVEX specification 0.2.0 (github.com/openvex/spec).
type openVEX struct {
	Context    string        `json:"@context"`
	ID         string        `json:"@id"`
	Author     string        `json:"author"`
	Role       string        `json:"role"`
	Timestamp  string        `json:"timestamp"`
	Version    int           `json:"version"`
	Tooling    string        `json:"tooling"`
	Statements []openVEXSays `json:"statements"`
}

type openVEXSays struct {
	Vulnerability struct {
		Name string `json:"name"`
	} `json:"vulnerability"`
	Products        []openVEXProduct `json:"products"`
	Status          string           `json:"status"`
	StatusNotes     string           `json:"status_notes,omitempty"`
	ImpactStatement string           `json:"impact_statement,omitempty"`
	ActionStatement string           `json:"action_statement,omitempty"`
}

type openVEXProduct struct {
	ID string `json:"@id"`
}

// WriteOpenVEX writes the same as OpenVEX. Products are named by package URLs of the
// type generic; a range is said in words beside them.
func (v VEX) WriteOpenVEX(from Publisher) ([]byte, error) {
	doc := openVEX{
		Context: "https://openvex.dev/ns/v0.2.0", ID: cmp.Or(from.Namespace, "https://github.com/allclear-bot/allclear") + "/vex/" + url.PathEscape(v.ID), Author: cmp.Or(from.Name, "allclear"), Role: "User",
		Timestamp: v.Made.UTC().Format(time.RFC3339), Version: max(1, v.Rules.Revision), Tooling: "allclear",
	}
	for _, cve := range v.Rules.CVEs {
		for _, p := range v.products() {
			s := openVEXSays{Products: []openVEXProduct{{ID: p.purl(p.from)}}, Status: "affected", StatusNotes: p.what(), ActionStatement: p.action()}
			if !p.affected {
				s.Status, s.ActionStatement, s.ImpactStatement = "not_affected", "", p.impact()
			}
			s.Vulnerability.Name = cve
			doc.Statements = append(doc.Statements, s)
			if p.affected && p.fixed != "" {
				s.Products, s.Status, s.StatusNotes, s.ActionStatement = []openVEXProduct{{ID: p.purl(p.fixed)}}, "fixed", line1(p.name+" from "+p.fixed+" on"), ""
				doc.Statements = append(doc.Statements, s)
			}
		}
	}
	if len(doc.Statements) == 0 {
		return nil, fmt.Errorf("playbook %s revision %d names no CVE or no product: there is nothing to say of any", v.Rules.Playbook, v.Rules.Revision)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(doc)
	return b.Bytes(), err
}

// purl is a package URL of the type generic.
func (p vexProduct) purl(version string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '.', r == '-':
			return r
		}
		return '-'
	}, strings.ToLower(checks.Clean(p.name, 80)))
	return "pkg:generic/" + cmp.Or(strings.Trim(name, "-"), "product") + "@" + version
}

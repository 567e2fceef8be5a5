package slackfake_test

import (
	"encoding/json"
	"testing"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/slack/slackfake"
)

func words(s string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, s, false, false)
}

func markup(s string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.MarkdownType, s, false, false)
}

func option(s string) *slack.OptionBlockObject {
	return slack.NewOptionBlockObject(s, words(s), nil)
}

// menus are every element that may stand among actions.
func menus() []slack.BlockElement {
	group := slack.NewOptionGroupBlockElement(words("g"), option("a"), option("b"))
	static := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, words("p"), "static", option("a"), option("b"))
	static.InitialOption = option("b")
	confirm := slack.NewConfirmationBlockObject(words("Sure?"), markup("*Really*"), words("Yes"), words("No")).WithStyle(slack.StyleDanger)
	press := slack.NewButtonBlockElement("press", "value", words("Press")).WithStyle(slack.StylePrimary).WithConfirm(confirm)
	day := slack.NewDatePickerBlockElement("day")
	day.InitialDate = "2025-07-21"
	hour := slack.NewTimePickerBlockElement("hour")
	hour.InitialTime = "18:00"
	moment := slack.NewDateTimePickerBlockElement("moment")
	moment.InitialDateTime = 1753120800
	return []slack.BlockElement{
		press, static, day, hour, moment,
		slack.NewOptionsGroupSelectBlockElement(slack.OptTypeStatic, words("p"), "grouped", group),
		slack.NewOptionsSelectBlockElement(slack.OptTypeExternal, words("p"), "external"),
		slack.NewOptionsSelectBlockElement(slack.OptTypeUser, words("p"), "user"),
		slack.NewOptionsSelectBlockElement(slack.OptTypeConversations, words("p"), "conversation"),
		slack.NewOptionsSelectBlockElement(slack.OptTypeChannels, words("p"), "channel"),
		slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeStatic, words("p"), "m-static", option("a")),
		slack.NewOptionsGroupMultiSelectBlockElement(slack.MultiOptTypeStatic, words("p"), "m-grouped", group),
		slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeExternal, words("p"), "m-external"),
		slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeUser, words("p"), "m-user"),
		slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeConversations, words("p"), "m-conversation"),
		slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeChannels, words("p"), "m-channel"),
		slack.NewOverflowBlockElement("overflow", option("a"), option("b")),
		slack.NewCheckboxGroupsBlockElement("boxes", option("a"), slack.NewOptionBlockObject("b", markup("*b*"), markup("more"))),
		slack.NewRadioButtonsBlockElement("radio", option("a"), option("b")),
	}
}

// What the library can build and Slack documents is accepted, and read without loss.
func TestEveryBlockOfAMessageIsAccepted(t *testing.T) {
	t.Parallel()
	text := slack.NewRichTextSectionTextElement("say", &slack.RichTextSectionTextStyle{Bold: true, Italic: true, Strike: true, Code: true})
	link := "https://a.example/"
	fallback := "21 July"
	rich := slack.NewRichTextBlock("rich",
		slack.NewRichTextSection(text, slack.NewRichTextSectionChannelElement(slackfake.Incident, nil), slack.NewRichTextSectionUserElement(slackfake.Lead1, nil),
			slack.NewRichTextSectionEmojiElement("wave", 0, nil), slack.NewRichTextSectionLinkElement(link, "", nil), slack.NewRichTextSectionTeamElement(slackfake.TeamID, nil),
			slack.NewRichTextSectionUserGroupElement(slackfake.SPTeam), slack.NewRichTextSectionDateElement(1753120800, "{date}", &link, &fallback),
			slack.NewRichTextSectionBroadcastElement("here"), slack.NewRichTextSectionColorElement("#ff0000")),
		slack.NewRichTextList(slack.RTEListOrdered, 0, slack.NewRichTextSection(text)),
		&slack.RichTextQuote{Type: slack.RTEQuote, Elements: []slack.RichTextSectionElement{text}},
		&slack.RichTextPreformatted{Type: slack.RTEPreformatted, Elements: []slack.RichTextSectionElement{text}},
	)
	axis := slack.NewDataVisualizationAxisConfig("Mon", "Tue").WithXLabel("day").WithYLabel("servers")
	series := slack.NewDataVisualizationDataSeries("open", slack.NewDataVisualizationDataPoint("Mon", 61), slack.NewDataVisualizationDataPoint("Tue", -1.5))
	table := slack.NewTableBlock("table").AddRow(slack.NewTableRawTextCell("Server"), slack.NewTableRawNumberCell(7).WithText("seven"), slack.NewTableRichTextCell(slack.NewRichTextSection(text))).
		WithColumnSettings(slack.ColumnSetting{Align: slack.ColumnAlignmentRight, IsWrapped: true})
	data := slack.NewDataTableBlock("Servers").WithPageSize(5).
		AddRow(slack.NewDataTableRawTextCell("Server"), slack.NewDataTableRawTextCell("Do")).
		AddRow(slack.NewDataTableRichTextCell(slack.NewRichTextSection(text)), slack.NewDataTableActionCell(slack.NewButtonBlockElement("b", "v", words("Scan"))).WithFallback(slack.NewDataTableRawTextCell("-")))
	var elements []slack.BlockElement
	elements = append(elements, menus()...)
	for name, c := range map[string]struct {
		block slack.Block
		shown string
	}{
		"section":         {slack.NewSectionBlock(markup("*x*"), []*slack.TextBlockObject{markup("a"), words("b")}, slack.NewAccessory(slack.NewImageBlockElement(link, "alt"))), "x\na\nb (image: alt)"},
		"header":          {slack.NewHeaderBlock(words("Head"), slack.HeaderBlockOptionLevel(2)), "Head"},
		"divider":         {slack.NewDividerBlock(), "---"},
		"context":         {slack.NewContextBlock("c", markup("a"), slack.NewImageBlockElement(link, "alt")), "a  (image: alt)"},
		"actions":         {slack.NewActionBlock("a", elements...), "[Press] [b] [2025-07-21] [18:00] [1753120800] [p] [p] [p] [p] [p] [p] [p] [p] [p] [p] [p] […] [a] [b] [a] [b]"},
		"image":           {slack.NewImageBlock(link, "alt", "i", words("Title")), "(image: alt)"},
		"image of slack":  {slack.NewImageBlockSlackFile(&slack.SlackFileObject{ID: "F0FILE00001"}, "alt", "i", nil), "(image: alt)"},
		"rich text":       {rich, "say#C0INCIDENT1"},
		"markdown":        {slack.NewMarkdownBlock("m", "**x**"), "**x**"},
		"table":           {table, "Server | seven | say"},
		"data table":      {data, "Servers\nServer | Do\nsay | [Scan]"},
		"pie":             {slack.NewDataVisualizationBlock("Pie", slack.NewDataVisualizationPieChart(slack.NewDataVisualizationSegment("open", 3))), "(chart: Pie)\nopen 3"},
		"bars":            {slack.NewDataVisualizationBlock("Bars", slack.NewDataVisualizationBarChart(axis, series)), "(chart: Bars)\nopen: Mon 61 Tue -1.5"},
		"area":            {slack.NewDataVisualizationBlock("Area", slack.NewDataVisualizationAreaChart(axis, series)), "(chart: Area)"},
		"line":            {slack.NewDataVisualizationBlock("Line", slack.NewDataVisualizationLineChart(axis, series)), "(chart: Line)"},
		"container":       {slack.NewContainerBlock(slack.NewDividerBlock(), slack.NewSectionBlock(words("in"), nil, nil)), "in"},
		"input":           {slack.NewInputBlock("in", words("Name"), words("hint"), slack.NewPlainTextInputBlockElement(words("p"), "t")), "Name: [p]"},
		"file":            {slack.NewFileBlock("f", "ext", "remote"), ""},
		"video":           {slack.NewVideoBlock(link, link, "alt", "v", words("Clip")), "Clip"},
		"task card":       {slack.NewTaskCardBlock("t", "Scan"), "Scan"},
		"plan":            {slack.NewPlanBlock("Plan").WithTasks(slack.NewTaskCardBlock("t", "Scan")), "Plan\nScan"},
		"card":            {slack.NewCardBlock().WithTitle(words("Card")), "Card"},
		"carousel":        {slack.NewCarouselBlock(slack.NewCardBlock().WithTitle(words("One"))), "One"},
		"context actions": {slack.NewContextActionsBlock("ca", slack.NewFeedbackButtonsBlockElement("f", slack.NewFeedbackButton(words("Good"), "y"), slack.NewFeedbackButton(words("Bad"), "n")), slack.NewIconButtonBlockElement("trash", words("Delete"), "d")), "[Delete]"},
	} {
		raw, err := json.Marshal([]slack.Block{c.block})
		require.NoError(t, err)
		problems, shown := slackfake.CheckBlocks(raw)
		require.Empty(t, problems, "%s: %s", name, raw)
		if name == "rich text" {
			require.Contains(t, shown, "say#unknown-channel@unknown-user:wave:https://a.example/")
			require.Contains(t, shown, "@here")
			require.Contains(t, shown, "21 July")
			require.Contains(t, shown, "1. say\nsay\nsay")
			continue
		}
		require.Contains(t, shown, c.shown, name)
	}
}

func TestEveryFieldOfAModalIsAccepted(t *testing.T) {
	t.Parallel()
	inputs := []slack.BlockElement{
		slack.NewPlainTextInputBlockElement(words("p"), "text"), slack.NewEmailTextInputBlockElement(words("p"), "email"),
		slack.NewURLTextInputBlockElement(words("p"), "url"), slack.NewNumberInputBlockElement(words("p"), "number", true),
		slack.NewRichTextInputBlockElement(words("p"), "rich"), slack.NewFileInputBlockElement("file"),
	}
	for _, m := range menus() {
		switch m.(type) {
		case *slack.ButtonBlockElement, *slack.OverflowBlockElement:
		default:
			inputs = append(inputs, m)
		}
	}
	view := slack.ModalViewRequest{Type: slack.VTModal, Title: words("All"), Submit: words("Go"), Close: words("No"), NotifyOnClose: true, ClearOnClose: true, CallbackID: "c", PrivateMetadata: "m", ExternalID: "e"}
	for _, e := range inputs {
		view.Blocks.BlockSet = append(view.Blocks.BlockSet, slack.NewInputBlock("", words("Field"), nil, e))
	}
	raw, err := json.Marshal(view)
	require.NoError(t, err)
	require.Empty(t, slackfake.CheckView(raw))
	raw, err = json.Marshal(slack.HomeTabViewRequest{Type: slack.VTHomeTab, CallbackID: "home", Blocks: slack.Blocks{BlockSet: []slack.Block{slack.NewActionBlock("", menus()...)}}})
	require.NoError(t, err)
	require.Empty(t, slackfake.CheckView(raw))
	require.NotEmpty(t, slackfake.CheckView([]byte(`{"type":"home"}`)))
	require.NotEmpty(t, slackfake.CheckView([]byte(`{`)))
}

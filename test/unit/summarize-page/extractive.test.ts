import { describe, expect, test } from "vitest";
import {
  extract,
  extractiveSummary,
} from "../../../services/worker/handlers/summarize-page/extractive.ts";
import type { PageText } from "../../../services/worker/handlers/summarize-page/page-text.ts";
import { splitSentences } from "../../../services/worker/handlers/summarize-page/sentences.ts";

function page(paragraphs: readonly string[], language = "en", title = ""): PageText {
  const blocks = paragraphs.map((text) => ({ kind: "paragraph", text }) as const);
  return { title, language, blocks, wordCount: 0 };
}

const ON_TOPIC = [
  "The water wheel drives the mill by the weight of the water.",
  "Water reaches the wheel of the mill through a narrow race.",
  "A gate in the race decides how much water the wheel is given.",
];
const OFF_TOPIC = [
  "Lunch was sandwiches.",
  "Somebody had forgotten an umbrella on the train.",
  "Why not?",
];

test("the sentences that say what the text is about are chosen, in the text's order", () => {
  const mixed = page([
    `${OFF_TOPIC[0]} ${ON_TOPIC[0]}`,
    `${ON_TOPIC[1]} ${OFF_TOPIC[1]}`,
    `${OFF_TOPIC[2]} ${ON_TOPIC[2]}`,
  ]);
  expect(extract(mixed, false)).toEqual({ paragraphs: [ON_TOPIC], keyPoints: [] });
});

test("a sentence that is said twice is chosen once", () => {
  const [first = "", second = ""] = ON_TOPIC;
  const [chosen = []] = extract(page([`${first} ${second}`, first, first]), false).paragraphs;
  expect(chosen).toEqual([first, second]);
});

test("a title draws the sentences that speak of it", () => {
  const text = [
    "One two three four five six.",
    "Eels pay the rent of old millers.",
    "Seven eight nine ten more things.",
  ];
  const [chosen] = extract(
    page(text.toReversed(), "en", "Eels, millers and rent"),
    false,
  ).paragraphs;
  expect(chosen).toContain("Eels pay the rent of old millers.");
});

describe("a detailed summary", () => {
  const words =
    "alder birch cedar drift eddy flume gorge headrace inlet jetty kelp lock marsh nook oxbow".split(
      " ",
    );
  const sentences = words.map(
    (word, index) => `The ${word} is number ${index} along the ${word} walk by the river.`,
  );

  test("is eight sentences in paragraphs, and five other ones as key points", () => {
    const { paragraphs, keyPoints } = extract(page(sentences), true);
    const chosen = paragraphs.flat();
    expect(paragraphs.map(({ length }) => length)).toEqual([3, 2, 3]);
    expect(keyPoints).toHaveLength(5);
    expect(new Set([...chosen, ...keyPoints]).size).toBe(13);
    expect(chosen).toEqual(sentences.filter((sentence) => chosen.includes(sentence)));
  });

  test("of a short page leaves something for the key points", () => {
    const { paragraphs, keyPoints } = extract(page(sentences.slice(0, 5)), true);
    expect([paragraphs.flat().length, keyPoints.length]).toEqual([3, 2]);
  });

  test("of one sentence is that sentence", () => {
    expect(extract(page(["Water falls."]), true)).toEqual({
      paragraphs: [["Water falls."]],
      keyPoints: [],
    });
  });
});

test.each([
  [
    "de",
    ["Das Wasserrad treibt die Mühle an.", "Das Wasser fließt durch den Mühlgraben zum Wasserrad."],
  ],
  ["ja", ["水車は水の力で回る。", "水は水路を通って水車に届く。"]],
  ["ar", ["تدور العجلة بقوة الماء.", "يصل الماء إلى العجلة عبر قناة."]],
])("a text in %s is summarized in whole sentences of its own", (language, sentences) => {
  const joined = sentences.join(language === "ja" ? "" : " ");
  expect(extract(page([joined], language), false).paragraphs).toEqual([sentences]);
});

test("what is emitted is the summary and then its key points", async () => {
  const pieces: string[] = [];
  const shares: number[] = [];
  const { summary, keyPoints, summarizer } = await extractiveSummary(
    page([...ON_TOPIC, ...OFF_TOPIC]),
    {
      detailed: true,
      signal: new AbortController().signal,
      emit: (piece, share) => {
        pieces.push(piece);
        shares.push(share);
      },
      log: () => {},
    },
  );
  const list = keyPoints.map((point) => `\n- ${point}`).join("");
  expect(pieces.join("")).toBe(`${summary}\n\nKey points:${list}`);
  expect(shares.at(-1)).toBe(1);
  expect(summarizer).toBe("extractive");
});

test("a book is summarized by its beginning, and the log says so", async () => {
  const lines: string[] = [];
  const long = page([ON_TOPIC.join(" "), "Far away. ".repeat(40_000)]);
  const { summary } = await extractiveSummary(long, {
    detailed: false,
    signal: new AbortController().signal,
    emit: () => {},
    log: (level, line) => lines.push(`${level}: ${line}`),
  });
  expect(summary).toBe(ON_TOPIC.join(" "));
  expect(lines).toEqual(["info: summarizing the first 300,000 characters"]);
});

test("headings are all that a page of headings can be summed up by", () => {
  const headings = ["Mills", "Races"].map((text) => ({ kind: "heading", text }) as const);
  expect(extract({ ...page([]), blocks: headings }, false).paragraphs).toEqual([
    ["Mills", "Races"],
  ]);
});

test("abbreviations and initials end no sentence", () => {
  const text =
    "Dr. J. Smeaton met Mr. Brindley. They spoke of e.g. Wheels and gates! Did they agree?";
  expect(splitSentences(text, "en")).toEqual([
    "Dr. J. Smeaton met Mr. Brindley.",
    "They spoke of e.g. Wheels and gates!",
    "Did they agree?",
  ]);
});

// Where each looked at all before it, these took minutes.
test.each(["A. ", "A b. ", '"A." ', "1,", "word ", "Alpha beta. ", "a.\n"])(
  "of 300,000 characters of %j, a summary of a few lines is made",
  (unit) => {
    const text = unit.repeat(300_000 / unit.length);
    const { paragraphs } = extract(page([text]), true);
    expect(paragraphs.flat().join(" ").length).toBeLessThan(10_000);
  },
);

test("so it is of a page of 60,000 paragraphs, and of an endless heading", () => {
  const short = page(Array.from({ length: 60_000 }, () => "Alpha beta."));
  expect(extract(short, true).paragraphs).toEqual([["Alpha beta."]]);
  const heading = { kind: "heading", text: "word ".repeat(60_000) } as const;
  const [[line = ""] = []] = extract({ ...page([]), blocks: [heading] }, false).paragraphs;
  expect(line.length).toBeLessThan(3_000);
});

const SENTENCES = [
  "A lock lifts a boat from one level of a canal to the next.",
  "The gates of the lock close behind the boat, and water flows in from above.",
  "A narrow lock uses about a hundred and thirty cubic meters of water for every boat.",
  "Reservoirs on the summit must replace the water that locks carry downhill.",
  "Engineers built side ponds to save half of the water at busy flights.",
  "A flight of five locks can take a working boat an hour to climb.",
  "Lock keepers kept the records of every boat, its cargo and its toll.",
  "Railways took the cargo within thirty years, and many summits fell dry.",
  "Volunteers restored the flights in the nineteen seventies with borrowed diggers.",
  "Leisure boats now pass the locks in numbers that freight never reached.",
  "Droughts close the summit again in most summers of this decade.",
  "Pumps return water to the reservoir at night, when electricity is cheap.",
  "Herons wait below the gates for fish that the paddles stun.",
  "The oldest gate still in use was hung in 1896 and is made of oak.",
];

/** A page with an article of 14 sentences on canal locks, among furniture. */
export const ARTICLE = `<!doctype html><html lang="en"><head><title>How locks lift boats</title>
<script>var tracking = "Scripts are not for reading.";</script></head><body>
<nav><a href="/">Home</a> <a href="/about">About the canal society</a></nav>
<article><h1>How locks lift boats</h1>
<p>${SENTENCES.slice(0, 5).join(" ")}</p><h2>History</h2><p>${SENTENCES.slice(5, 10).join(" ")}</p>
<p>${SENTENCES.slice(10).join(" ")}</p></article>
<footer>Canal society, all rights reserved.</footer></body></html>`;

export const ARTICLE_SENTENCES: readonly string[] = SENTENCES;

/** Headings included. */
export const ARTICLE_WORDS = 186;

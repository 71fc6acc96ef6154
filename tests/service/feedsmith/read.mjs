// What feedsmith makes of feeds: {name: document} on standard input, {name: entries} on standard output.
import { readFileSync } from 'node:fs'
import { parseFeed } from 'feedsmith'

const READ = {
  atom: (entry) => ({
    id: entry.id,
    title: entry.title.value,
    summary: entry.summary?.value ?? '',
    html: entry.content?.value ?? '',
    authors: (entry.authors ?? []).map((author) => author.name),
    links: entry.links.map((link) => [link.rel, link.href]),
  }),
  rss: (item) => ({
    id: item.guid.value,
    title: item.title,
    html: item.description ?? '',
    authors: item.dc?.creators ?? [],
  }),
  json: (item) => ({
    id: item.id,
    title: item.title,
    html: item.content_html ?? '',
    text: item.content_text ?? '',
    authors: (item.authors ?? []).map((author) => author.name),
  }),
}

const read = (document) => {
  const { format, feed } = parseFeed(document)
  return (feed.entries ?? feed.items ?? []).map(READ[format])
}

const documents = Object.entries(JSON.parse(readFileSync(0, 'utf8')))
console.log(JSON.stringify(Object.fromEntries(documents.map(([name, text]) => [name, read(text)]))))

// copy_rows.js rows|file HOST USER DATABASE TABLE FILE: FILE's lines through pg-copy-streams into TABLE.
// rows: reading by reading, as a program does that receives them; file: the file piped through untouched.
// Says "ready" once connected, begins at the first byte of its input, says "stored" after the commit.
const fs = require('fs')
const { once } = require('events')
const { finished, pipeline } = require('stream/promises')
const { Client } = require('pg')
const { from: copyFrom } = require('pg-copy-streams')

async function writeRows(file, sink) {
  let rest = ''
  for await (const chunk of fs.createReadStream(file, { encoding: 'ascii' })) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop()
    for (const line of lines) {
      if (!sink.write(line + '\n')) await once(sink, 'drain')
    }
  }
  sink.end()
  await finished(sink)
}

async function main([mode, host, user, database, table, file]) {
  const client = new Client({ host, user, database })
  await client.connect()
  process.stdout.write('ready\n')
  await new Promise((resolve) => process.stdin.once('data', resolve))
  const sink = client.query(copyFrom(`copy ${table} from stdin (format csv)`))
  await (mode === 'rows' ? writeRows(file, sink) : pipeline(fs.createReadStream(file), sink))
  process.stdout.write('stored\n')
  await client.end()
  process.stdin.destroy()
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error.message)
  process.exit(1)
})

const state = document.querySelector('#state')
const lines = document.querySelector('#lines')
const form = document.querySelector('form')

function connect() {
  const socket = new WebSocket(new URL('live/talk', location.href.replace(/^http/, 'ws')))
  socket.addEventListener('open', () => {
    lines.replaceChildren()
    state.value = 'in the room'
  })
  socket.addEventListener('message', ({ data }) => {
    const line = document.createElement('li')
    line.textContent = String(data)
    lines.append(line)
  })
  socket.addEventListener('close', ({ code }) => {
    state.value = `out (${code})`
    setTimeout(() => {
      current = connect()
    }, 500)
  })
  return socket
}

let current = connect()

form.addEventListener('submit', (event) => {
  event.preventDefault()
  if (current.readyState !== WebSocket.OPEN) return
  current.send(new FormData(form).get('line') ?? '')
  form.reset()
})

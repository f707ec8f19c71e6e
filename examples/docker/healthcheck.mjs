/** Ends with status 0 if the application in this container is ready. */
const response = await fetch('http://127.0.0.1:9464/readyz')
if (!response.ok) throw new Error(await response.text())

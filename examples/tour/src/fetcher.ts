import { http } from 'troupe'

export async function main(url: string) {
  return (await http.get(url)).status
}

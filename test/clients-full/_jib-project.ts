import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { jibVersion } from '../../tools/clients/catalog.ts';
import { clientsBin } from '../../tools/clients/locate.ts';
import type { Shell } from '../clients/_shell.ts';

const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>test</groupId>
  <artifactId>app</artifactId>
  <version>1</version>
  <properties>
    <maven.compiler.source>17</maven.compiler.source>
    <maven.compiler.target>17</maven.compiler.target>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
  </properties>
  <build>
    <plugins>
      <plugin>
        <groupId>com.google.cloud.tools</groupId>
        <artifactId>jib-maven-plugin</artifactId>
        <version>${jibVersion}</version>
      </plugin>
    </plugins>
  </build>
</project>
`;

const java = `class Hello {
  public static void main(String[] args) {
    System.out.println("hello");
  }
}
`;

/**
 * Writes a Maven project into the home of a shell. In the shell that it returns, Maven keeps its plugins with the
 * clients, since it takes its user from the machine and not from HOME; Jib's own caches are in the home, so that
 * nothing is known from another test.
 */
export async function openMavenProject(shell: Shell, ...options: string[]): Promise<Shell> {
  await mkdir(join(shell.home, 'src', 'main', 'java'), { recursive: true });
  await writeFile(join(shell.home, 'pom.xml'), pom);
  await writeFile(join(shell.home, 'src', 'main', 'java', 'Hello.java'), java);
  const settings = [
    `-Dmaven.repo.local=${join(dirname(clientsBin()), 'm2')}`,
    `-Djib.baseImageCache=${join(shell.home, 'jib-base')}`,
    `-Djib.applicationCache=${join(shell.home, 'jib-application')}`,
    // Otherwise it asks its makers for a newer one.
    '-Djib.disableUpdateChecks=true',
  ];
  return shell.with({ MAVEN_OPTS: [...settings, ...options].join(' ') });
}
